import type { Visit } from '../processes/load.js'
import type { Person } from './population.js'

/** A page or list as it is requested every day. */
export interface Case {
  what: string
  by: 'session' | 'token'
  paths(person: Person): string[]
  /** Out of a hundred requests of a mixed load. */
  share: number
  /** How many of the people request it, if not all. */
  people?: number
  /** Least ratio to the bare server. */
  goal?: number
  /** What the client accepts; without it, the response is not compressed, which costs the bare server most. */
  encodings?: string
  /** The client has the response already. */
  notModified?: boolean
  /** Its data is the caller's own, so without Redis each view asks 3scale. */
  own?: boolean
}

/** As the newest browsers send it. */
const BROWSER_ENCODINGS = 'gzip, deflate, br, zstd'
const CLIENT_ENCODINGS = 'gzip, deflate'

/** So few that each returns before the portal drops its counters, which it caches for 15 s. */
const RETURNING = 40

const words = [
  'chat',
  'code',
  'embed',
  'granite',
  'llama',
  'mistral',
  'image',
  'speech',
  'rerank',
  'model',
  'vision',
  'small',
]
const filters = [
  '',
  '&sort=name',
  '&sort=newest',
  '&sort=context',
  '&type=chat',
  '&type=embedding',
  '&capability=tools',
]

export function casesOf(models: string[]): Case[] {
  const every = (paths: string[]) => () => paths
  const each = (path: (id: number) => string) => (person: Person) => person.applications.map(path)
  const modelPages = models.map((name) => `/models/${name}`)
  return [
    { what: 'home', by: 'session', paths: every(['/']), share: 8 },
    { what: 'catalogue', by: 'session', paths: every(['/models']), share: 12, goal: 0.65 },
    { what: 'search', by: 'session', paths: every(searches('/models')), share: 10, goal: 0.5 },
    { what: 'model', by: 'session', paths: every(modelPages), share: 18, goal: 0.65 },
    { what: 'applications', by: 'session', paths: every(['/applications']), share: 9, goal: 0.6, own: true },
    {
      what: 'one application',
      by: 'session',
      paths: each((id) => `/applications/${id}`),
      share: 8,
      goal: 0.6,
      own: true,
    },
    { what: 'usage, counters cached', people: RETURNING, by: 'session', paths: every(['/usage']), share: 4, goal: 0.4 },
    {
      what: 'usage of an application, counters cached',
      people: RETURNING,
      by: 'session',
      paths: each((id) => `/applications/${id}/usage`),
      share: 4,
      goal: 0.4,
    },
    { what: 'account', by: 'session', paths: every(['/account']), share: 2 },
    { what: 'playground', by: 'session', paths: every(['/playground']), share: 5 },
    { what: 'GET /models', by: 'token', paths: every(['/api/v1/models?limit=40']), share: 3, goal: 0.7 },
    {
      what: 'GET /models, 304',
      by: 'token',
      paths: every(['/api/v1/models?limit=40']),
      share: 0,
      goal: 0.8,
      notModified: true,
    },
    { what: 'GET /models?q=', by: 'token', paths: every(searches('/api/v1/models')), share: 2 },
    { what: 'GET /models/{name}', by: 'token', paths: every(modelPages.map((path) => `/api/v1${path}`)), share: 3 },
    { what: 'GET /applications', by: 'token', paths: every(['/api/v1/applications']), share: 3, goal: 0.7, own: true },
    {
      what: 'GET /applications/{id}/keys',
      by: 'token',
      paths: each((id) => `/api/v1/applications/${id}/keys`),
      share: 2,
      goal: 0.7,
      own: true,
    },
    { what: 'GET /members', by: 'token', paths: every(['/api/v1/members']), share: 1, goal: 0.7, own: true },
    { what: 'GET /me', by: 'token', paths: every(['/api/v1/me']), share: 2 },
    {
      what: 'GET /me/usage, counters cached',
      people: RETURNING,
      by: 'token',
      paths: every(['/api/v1/me/usage']),
      share: 2,
    },
    {
      what: 'GET /applications/{id}/usage, counters cached',
      people: RETURNING,
      by: 'token',
      paths: each((id) => `/api/v1/applications/${id}/usage`),
      share: 2,
    },
    { what: 'GET /me/limits', by: 'token', paths: every(['/api/v1/me/limits']), share: 0 },
    { what: 'GET /me/costs', by: 'token', paths: every(['/api/v1/me/costs']), share: 0 },
  ]
}

/** Cases without a goal as browsers and clients request them, with compression; those with one without it and, if `both`, with it. */
export function withCompression(cases: Case[], both: boolean): Case[] {
  return cases.flatMap(({ goal, ...each }) => {
    const encodings = encodingsOf(each)
    if (goal === undefined) return [{ ...each, encodings }]
    if (each.notModified || !both) return [{ ...each, goal }]
    return [
      { ...each, goal },
      { ...each, what: `${each.what}, compressed`, encodings },
    ]
  })
}

/** As most clients of this kind send it. */
export function encodingsOf({ by }: Pick<Case, 'by'>): string {
  return by === 'session' ? BROWSER_ENCODINGS : CLIENT_ENCODINGS
}

export function visitOf(
  person: Person,
  { by, encodings = 'identity' }: Pick<Case, 'by' | 'encodings'>,
  path: string,
  etag?: string,
): Visit {
  return {
    path,
    headers: {
      'accept-encoding': encodings,
      ...(by === 'session'
        ? { cookie: person.cookie(), accept: 'text/html' }
        : { authorization: person.bearer, accept: 'application/json' }),
      ...(etag ? { 'if-none-match': etag } : {}),
    },
  }
}

/** Different queries, as many people search. */
function searches(path: string): string[] {
  const pairs = words.flatMap((first) => words.filter((second) => second > first).map((second) => `${first}+${second}`))
  const queries = [...words, ...words.map((word) => word.slice(0, 3)), ...pairs]
  const all = queries.flatMap((query, index) => `${path}?q=${query}${filters[index % filters.length]}`)
  return path.startsWith('/api/') ? all.map((each) => each.replace(/&sort=\w+/, '')) : all
}
