import type { FastifyInstance, FastifyReply } from 'fastify'
import { cookieOf } from './cookies.js'

export type Kind = 'success' | 'info' | 'warning' | 'danger'

export interface Notice {
  kind: Kind
  /** for screen readers: what the colour tells others */
  title: string
  text: string
}

declare module 'fastify' {
  interface FastifyReply {
    /** A notice that the next page shows, once, within so many seconds (60). */
    flash(kind: Kind, text: string, seconds?: number): void
  }
}

const titles: Record<Kind, string> = { success: 'Done', info: 'Note', warning: 'Careful', danger: 'This did not work' }

/** Notices that outlive one redirect: a cookie that the next page takes. Returns how a page takes it. */
export function flash(
  app: FastifyInstance,
  { secure }: { secure: boolean },
): (reply: FastifyReply) => Notice | undefined {
  const { name, options } = cookieOf({ name: 'flash', secure })

  app.decorateReply('flash', function (this: FastifyReply, kind: Kind, text: string, seconds = 60) {
    const value = Buffer.from(JSON.stringify({ kind, text })).toString('base64url')
    this.setCookie(name, value, { ...options, maxAge: seconds })
  })

  return (reply) => {
    const value = reply.request.cookies[name]
    if (!value) return undefined
    reply.clearCookie(name, options)
    return read(value)
  }
}

function read(value: string): Notice | undefined {
  try {
    const { kind, text } = JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as { kind: Kind; text: string }
    return titles[kind] ? { kind, title: titles[kind], text: String(text).slice(0, 500) } : undefined
  } catch {
    return undefined
  }
}
