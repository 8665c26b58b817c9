/** For the log, health checks and the doctor. They state the status of the response and nothing else of it. */
export const operatorMessages = {
  status: (status: number) => `3scale returned ${status}`,
  redirect: (status: number) =>
    `3scale returned ${status}, a redirect; THREESCALE_ADMIN_URL must be the address of the tenant’s admin portal itself`,
  webPage: (status: number) =>
    `3scale returned ${status} with a web page; check THREESCALE_ADMIN_URL and the proxies in front of 3scale`,
  missingScope: (status: number) =>
    `3scale returned ${status}: THREESCALE_ACCESS_TOKEN lacks a scope or is read-only; it requires account_management (rw) and stats`,
  invalidToken: (status: number) =>
    `3scale returned ${status}: THREESCALE_ACCESS_TOKEN is not valid for the tenant of THREESCALE_ADMIN_URL, or it has expired`,
  missingPermission: (status: number) =>
    `3scale returned ${status}: the owner of THREESCALE_ACCESS_TOKEN lacks the permission; use a token of an admin of the tenant`,
  unreadable: (status: number, type: string, expected: 'JSON' | 'XML') =>
    `3scale returned ${status} with ${type} instead of ${expected}; check THREESCALE_ADMIN_URL`,
}
