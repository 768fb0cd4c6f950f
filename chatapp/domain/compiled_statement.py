"""A statement of SQLAlchemy's, compiled once for a driver that runs it without SQLAlchemy.

The statements and the types are SQLAlchemy's; what is left out is its bookkeeping for each
execution. How a driver runs it is in sqlite_statements and postgresql.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Delete, Dialect, Insert, Select, Update

Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete
Process = Callable[[Any], Any]


class CompiledStatement:
    """A statement's text, and how its values go in and come out."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        self._compiled: Any = statement.compile(dialect=dialect)
        self.sql = str(self._compiled)
        binds = self._compiled.binds
        self._constants = {
            name: value for name, value in self._compiled.params.items() if not binds[name].required
        }
        self._outputs: list[tuple[int, Process]] = [
            (index, process)
            for index, column in enumerate(statement.exported_columns)
            if (process := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]

    def _given(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**self._constants, **parameters} if self._constants else parameters

    def _converted(self, rows: list[Any]) -> list[Any]:
        return [self._converted_row(row) for row in rows] if self._outputs else rows

    def _converted_row(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for index, process in self._outputs:
            if values[index] is not None:  # a NULL is None, of whatever type
                values[index] = process(values[index])
        return tuple(values)
