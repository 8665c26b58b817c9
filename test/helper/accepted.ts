import type { Stack } from './stack.js'

/** Credentials as `POST /applications` shows them. */
export interface Credentials {
  mode: 'user_key' | 'app_id' | 'oidc'
  location: 'query' | 'headers' | 'authorization'
  names: { user_key: string; app_id: string; app_key: string }
  user_key?: string
  app_id?: string
  app_keys?: string[]
}

export interface Shown {
  id: number
  base_url: string
  credentials: Credentials
}

/** The status of a call to the model for each key of an application (`user_key` and `app_id`), as the gateway answers it. */
export async function statuses({ base_url, credentials }: Shown): Promise<number[]> {
  const { mode, user_key = '', app_id = '', app_keys = [] } = credentials
  const keys = mode === 'user_key' ? [user_key] : app_keys
  return Promise.all(
    keys.map((key) => statusOf(base_url, credentials, mode === 'user_key' ? { key } : { id: app_id, key })),
  )
}

export async function statusOf(
  base_url: string,
  { mode, location, names }: Credentials,
  { id = '', key }: { id?: string; key: string },
): Promise<number> {
  const url = new URL(`${base_url.replace(/\/$/, '')}/models`)
  const pairs: Record<string, string> =
    mode === 'user_key' ? { [names.user_key]: key } : { [names.app_id]: id, [names.app_key]: key }
  const headers: Record<string, string> =
    location === 'headers'
      ? pairs
      : location === 'authorization'
        ? { authorization: mode === 'user_key' ? `Bearer ${key}` : `Basic ${btoa(`${id}:${key}`)}` }
        : {}
  if (location === 'query') for (const [name, value] of Object.entries(pairs)) url.searchParams.set(name, value)
  const answer = await fetch(url, { headers })
  await answer.arrayBuffer()
  return answer.status
}

/** Watches 3scale until `end`: applications of products with application keys that have been seen without any. */
export function watchForOpen(stack: Stack) {
  const open = new Set<number>()
  let watching = true
  const watch = (async () => {
    const { services } = (await stack.state()) as unknown as { services: { id: number; backend_version: string }[] }
    const keyed = new Set(services.filter(({ backend_version: kind }) => kind === '2').map(({ id }) => id))
    while (watching) {
      const { applications } = await stack.state()
      for (const { id, service_id, keys } of applications) if (keyed.has(service_id) && keys.length === 0) open.add(id)
    }
  })()
  return {
    async end(): Promise<number[]> {
      watching = false
      await watch
      return [...open]
    },
  }
}
