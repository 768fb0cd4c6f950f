"""What people do: verbs that check access, write, and append to the log.

No request, no HTML and no stream here. Each verb takes the acting ``Identity`` first.
"""
