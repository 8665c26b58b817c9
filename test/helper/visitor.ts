import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from './stack.js'

export interface Answer {
  status: number
  url: string
  text: string
  location: string | null
  headers: Headers
}

export type Visitor = ReturnType<typeof createVisitor>

/**
 * A browser without scripts: stores cookies by host name, follows redirects and page refreshes, and sends forms as rendered.
 * `observe` receives the address and the milliseconds of each response.
 */
export function createVisitor(stack: Pick<Stack, 'url'>, observe?: (url: string, ms: number) => void) {
  const jar = new Map<string, string>()

  const visitor = {
    jar,
    /** Another replica behind the same name. */
    at: (origin: string) => (path: string, init?: RequestInit) => send(`${origin}${path}`, init),
    get: (path: string, init?: RequestInit) => follow(absolute(path), init),
    /** Sends one request without following redirects. */
    raw: (path: string, init?: RequestInit) => send(absolute(path), init),
    /** Sends one request, and returns the page even if it refreshes itself. */
    once: (path: string, init?: RequestInit) => exchange(absolute(path), init),
    post: (path: string, form: Record<string, string>, init: RequestInit = {}) =>
      send(absolute(path), { ...init, method: 'POST', body: new URLSearchParams(form) }),
    /** Posts the first form with this action, with `values` as overrides of its values, and follows redirects. */
    async submit(
      page: Answer,
      action: RegExp,
      values: Record<string, string> = {},
      formAction?: string,
    ): Promise<Answer> {
      const form = formsOf(page.text).find(({ action: target, method }) => method === 'post' && action.test(target))
      if (!form) throw new Error(`no form ${action} on ${page.url}: ${page.text.slice(0, 300)}`)
      const target = new URL(formAction ?? (form.action || page.url), page.url).href
      return follow(target, { method: 'POST', body: new URLSearchParams({ ...form.values, ...values }) })
    },
    /** Signs in through the identity provider and, for new users, the completion form, and returns the final page. */
    async signIn(username: string, returnTo = '/'): Promise<Answer> {
      const login = await visitor.get(`/login?return_to=${encodeURIComponent(returnTo)}`)
      const page = login.text.includes('name="password"')
        ? await visitor.submit(login, /interaction/, { username, password: 'demo' })
        : login
      if (!page.url.endsWith('/sign-up')) return page
      return visitor.submit(page, /sign-up/, {
        'account.department': 'Research',
        'user.job_title': 'Scientist',
        accept_terms: '2026-01',
      })
    },
  }
  return visitor

  function absolute(path: string): string {
    return new URL(path, stack.url).href
  }

  async function follow(url: string, init: RequestInit = {}): Promise<Answer> {
    let answer = await send(url, init)
    for (let hops = 0; hops < 15; hops++) {
      const next = answer.location ?? leavesFor(answer)
      if (next === undefined) break
      answer = await send(new URL(next, answer.url).href)
    }
    return answer
  }

  async function send(url: string, init: RequestInit = {}): Promise<Answer> {
    let answer = await exchange(url, init)
    for (;;) {
      const [, seconds, target] = /^(\d+); url=(.+)$/.exec(answer.headers.get('refresh') ?? '') ?? []
      if (target === undefined) return answer
      await sleep(Number(seconds) * 1000)
      answer = await exchange(new URL(target, url).href)
    }
  }

  async function exchange(url: string, init: RequestInit = {}): Promise<Answer> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = new Headers(init.headers)
    if (cookie) headers.set('cookie', cookie)
    const began = performance.now()
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    const text = await response.text()
    observe?.(url, performance.now() - began)
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, pair.slice(pair.indexOf('=') + 1))
    }
    return {
      status: response.status,
      url,
      text,
      location: response.headers.get('location'),
      headers: response.headers,
    }
  }
}

/** The address to which a page of the portal refreshes; undefined if it does not. */
export function leavesFor({ text }: Pick<Answer, 'text'>): string | undefined {
  const target = /<meta http-equiv="refresh" content="0; url=([^"]*)"/.exec(text)?.[1]
  return target === undefined ? undefined : decode(target)
}

/** Forms of a page, with the values that they would send as rendered. */
export function formsOf(html: string): { action: string; method: string; values: Record<string, string> }[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, attributes = '', inner = '']) => {
    const values: Record<string, string> = {}
    for (const [, field = ''] of inner.matchAll(/<input\b([^>]*)>/g)) {
      const name = attribute(field, 'name')
      const type = attribute(field, 'type')
      if (!name || ((type === 'radio' || type === 'checkbox') && !/\bchecked\b/.test(field))) continue
      values[name] = attribute(field, 'value')
    }
    for (const [, field = '', options = ''] of inner.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
      const selected = /<option value="([^"]*)"\s+selected/.exec(options)?.[1]
      values[attribute(field, 'name')] = decode(selected ?? '')
    }
    for (const [, field = '', text = ''] of inner.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g))
      values[attribute(field, 'name')] = decode(text)
    return { action: attribute(attributes, 'action'), method: attribute(attributes, 'method'), values }
  })
}

export function decode(text: string): string {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&#x27;/g, "'")
    .replace(/&amp;/g, '&')
}

/** Text of a snippet on a page. */
export function codeOf(html: string, client: string): string {
  const inner = new RegExp(`<code\\s+data-client="${client}">([\\s\\S]*?)</code>`).exec(html)?.[1] ?? ''
  return decode(inner.replace(/<[^>]+>/g, ''))
}

function attribute(text: string, name: string): string {
  return decode(new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? '')
}
