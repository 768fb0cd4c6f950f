export const { base = '', csrf = '', userId: me = '' } = document.body.dataset;

/** What the server said when it did not say yes. */
export class Problem extends Error {
  constructor(response, { detail, title } = {}) {
    super(detail || title || response.statusText);
    this.status = response.status;
    this.retryAfter = Number(response.headers.get('Retry-After')) * 1000 || 0;
  }
}

/** Whether the same may well be taken later: it never arrived, or the server could not do it just now. */
export const isPassing = ({ status }) => !(status < 500) || status === 408 || status === 429;

/** Fetch one of our own addresses. @throws {Problem} refused; {Error}: it never arrived */
export async function request(path, options = {}) {
  const signal = options.signal ?? AbortSignal.timeout(15_000);
  const response = await fetch(base + path, { ...options, signal }).catch(() => {
    throw new Error('The server cannot be reached.');
  });
  if (!response.ok) throw new Problem(response, await response.json().catch(() => ({})));
  return response;
}

/** Call the JSON API. */
export async function call(method, path, body) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRFToken'] = csrf;
  if (body) headers['Content-Type'] = 'application/json';
  const response = await request(path, { method, headers, body: body && JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}
