import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export interface PagesOptions {
  /** folder of the templates */
  root: string
  brand: string
  links: { label: string; url: string }[]
  contact: { email?: string; url?: string; text?: string } | undefined
}

export interface PageOptions {
  status?: number
  /** `bare` needs no session and no navigation: errors use it */
  layout?: 'main' | 'bare'
}

/** Every text, link and number that a template shows. */
export interface PageView {
  title: string
  [name: string]: unknown
}

type Kind = 'success' | 'info' | 'warning' | 'danger'

declare module 'fastify' {
  interface FastifyReply {
    /** Sends views/<template>.eta inside a layout. `view.title` is the page's title. */
    page(template: string, view: PageView, options?: PageOptions): Promise<FastifyReply>
    /** A notice that the next page shows, once. */
    flash(kind: Kind, text: string): void
  }
}

const FLASH = 'maas_flash'
const titles: Record<Kind, string> = { success: 'Done', info: 'Note', warning: 'Careful', danger: 'This did not work' }

const brotliAsync = promisify(brotliCompress)
const gzipAsync = promisify(gzip)

/** Server-rendered pages: Eta templates that only show what a view model says. */
export async function pages(app: FastifyInstance, { root, brand, links, contact }: PagesOptions): Promise<void> {
  const eta = new Eta({ views: root, cache: true, autoTrim: false })
  await app.register(view, { engine: { eta }, root, viewExt: 'eta' })
  const assets = {
    css: app.asset('css/app.css'),
    theme: app.asset('js/theme.js'),
    app: app.asset('js/app.js'),
    icon: app.asset('img/icon.svg'),
    text: app.asset('fonts/RedHatTextVF.woff2'),
    display: app.asset('fonts/RedHatDisplay-Medium.woff2'),
  }

  app.decorateReply('flash', function (this: FastifyReply, kind: Kind, text: string) {
    this.setCookie(FLASH, Buffer.from(JSON.stringify({ kind, text })).toString('base64url'), {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      maxAge: 60,
    })
  })

  app.decorateReply(
    'page',
    async function (this: FastifyReply, template: string, data: PageView, options: PageOptions = {}) {
      const { status = 200, layout = 'main' } = options
      const notice = layout === 'main' ? takeFlash(this) : undefined
      const body = await app.view(template, data)
      const html = await app.view(`layouts/${layout}`, { body, page: shared(this.request, data.title, notice) })
      this.code(status).type('text/html; charset=utf-8').header('vary', 'accept-encoding, cookie')
      if (!this.hasHeader('cache-control')) this.header('cache-control', 'private, no-cache')
      return send(this, html)
    },
  )

  function shared(
    request: FastifyRequest,
    title: string,
    notice: { kind: Kind; title: string; text: string } | undefined,
  ) {
    const path = request.url.split('?')[0] ?? '/'
    const { caller } = request
    const nav = [
      { label: 'Models', href: '/models', current: path.startsWith('/models') },
      { label: 'Applications', href: '/applications', current: path.startsWith('/applications') },
    ]
    return {
      title: `${title} · ${brand}`,
      brand,
      links,
      contact,
      assets,
      notice,
      nav,
      user: caller ? { name: caller.name, orgName: caller.orgName, initials: initials(caller.name) } : undefined,
      signIn: `/login?return_to=${encodeURIComponent(request.url)}`,
    }
  }
}

/** Pages are small and each is its own: compressed lightly where the browser takes it. */
async function send(reply: FastifyReply, html: string): Promise<FastifyReply> {
  const accepted = String(reply.request.headers['accept-encoding'] ?? '')
  if (/\bbr\b/.test(accepted)) {
    return reply
      .header('content-encoding', 'br')
      .send(await brotliAsync(html, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }))
  }
  if (/\bgzip\b/.test(accepted)) return reply.header('content-encoding', 'gzip').send(await gzipAsync(html))
  return reply.send(html)
}

function takeFlash(reply: FastifyReply): { kind: Kind; title: string; text: string } | undefined {
  const value = reply.request.cookies[FLASH]
  if (!value) return undefined
  reply.clearCookie(FLASH, { path: '/' })
  try {
    const { kind, text } = JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as { kind: Kind; text: string }
    return titles[kind] ? { kind, title: titles[kind], text: String(text).slice(0, 500) } : undefined
  } catch {
    return undefined
  }
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean)
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? (words.at(-1)?.[0] ?? '') : '')).toUpperCase() || '?'
}
