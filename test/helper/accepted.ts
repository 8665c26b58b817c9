import type { Stack } from './stack.js'

/** Credentials in the format of `POST /applications`. */
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

/** The status that the gateway returns for each key of an application (`user_key` and `app_id`). */
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

/** Waits until `end` for applications of products with application keys that have no key. */
export async function watchForOpen({ threescale }: Stack) {
  await fetch(`${threescale}/_demo/keyless`, { method: 'DELETE' })
  return {
    end: async () => (await (await fetch(`${threescale}/_demo/keyless`)).json()) as number[],
  }
}
