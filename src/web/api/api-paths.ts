import type { FastifyInstance } from 'fastify'

export type ApiPaths = ReturnType<typeof createApiPaths>

interface Route {
  /** segments of the pattern */
  parts: string[]
  url: string
  methods: Set<string>
  /** methods without an access token */
  open: Set<string>
}

/** The routes below a prefix, for responses to requests without a route. `prefix` has no trailing slash. */
export function createApiPaths(prefix: string) {
  const routes = new Map<string, Route>()

  return {
    prefix,
    /** Collects the routes that are added from now on. */
    hook(app: FastifyInstance): void {
      app.addHook('onRoute', ({ method, url, config }) => {
        if (!url.startsWith(`${prefix}/`)) return
        const route = routes.get(url) ?? { parts: url.split('/'), url, methods: new Set(), open: new Set() }
        for (const each of [method].flat()) {
          route.methods.add(each)
          if (config?.open) route.open.add(each)
        }
        routes.set(url, route)
      })
    },
    isBelow: (path: string) => path.startsWith(`${prefix}/`),
    /** Methods of a path, in alphabetical order; empty for an unknown path. */
    methodsOf: (path: string) => sorted(matching(path).flatMap(({ methods }) => [...methods])),
    openMethodsOf: (path: string) => sorted(matching(path).flatMap(({ open }) => [...open])),
    /** Methods of all routes. */
    allMethods: () => sorted([...routes.values()].flatMap(({ methods }) => [...methods])),
    /** The pattern of a path that exists without its extra slashes. Parameters are not filled in. */
    withoutExtraSlashes(path: string): string | undefined {
      const plain = path.replace(/\/{2,}/g, '/').replace(/\/$/, '')
      return plain === path ? undefined : matching(plain)[0]?.url.replace(/:(\w+)/g, '{$1}')
    },
  }

  function matching(path: string): Route[] {
    const parts = path.split('/').map(decoded)
    return [...routes.values()].filter((route) => matches(route.parts, parts))
  }
}

/** Whether a URL belongs to the API, in any version. All responses there are JSON. */
export function isApiPath(url: string): boolean {
  return /^\/api(?:[/?#]|$)/.test(url)
}

/** Two consecutive slashes, or a trailing one. */
export function hasEmptySegment(path: string): boolean {
  return /\/(?:\/|$)/.test(path)
}

export function pathOf({ url }: { url: string }): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

function matches(pattern: string[], parts: string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, at) => (part.startsWith(':') ? parts[at] : part === parts[at]))
  )
}

/** As the router decodes it. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function sorted(methods: string[]): string[] {
  return [...new Set(methods)].sort()
}
