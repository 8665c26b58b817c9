import type { FastifyInstance, FastifyReply } from 'fastify'
import { defineCookie } from '../auth/cookies.js'
import { noticeTitles } from './messages.js'

export type NoticeKind = keyof typeof noticeTitles

export interface Notice {
  kind: NoticeKind
  /** for screen readers, instead of the color */
  title: string
  text: string
}

declare module 'fastify' {
  interface FastifyReply {
    /** A notice that the next page shows once, within that many seconds (60 by default). */
    flash(kind: NoticeKind, text: string, seconds?: number): void
  }
}

/** Notices that survive one redirect, in a cookie. The returned function reads the notice and clears the cookie. */
export function registerFlash(
  app: FastifyInstance,
  { secure }: { secure: boolean },
): (reply: FastifyReply) => Notice | undefined {
  const { name, options } = defineCookie({ name: 'flash', secure })

  app.decorateReply('flash', function (this: FastifyReply, kind: NoticeKind, text: string, seconds = 60) {
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
    const { kind, text } = JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as {
      kind: NoticeKind
      text: string
    }
    return noticeTitles[kind] ? { kind, title: noticeTitles[kind], text: String(text).slice(0, 500) } : undefined
  } catch {
    return undefined
  }
}
