import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { flash, type Notice } from './flash.js'
import { createHtmlSender } from './html.js'
import { initials } from './words.js'

export interface PagesOptions {
  /** folder of the templates */
  root: string
  /** https: Secure cookies */
  secure: boolean
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

declare module 'fastify' {
  interface FastifyReply {
    /** Sends views/<template>.eta inside a layout. `view.title` is the page's title. */
    page(template: string, view: PageView, options?: PageOptions): Promise<FastifyReply>
  }
}

/** Server-rendered pages: Eta templates that only show what a view model says. */
export async function pages(
  app: FastifyInstance,
  { root, secure, brand, links, contact }: PagesOptions,
): Promise<void> {
  const eta = new Eta({ views: root, cache: true, autoTrim: false })
  // `production` keeps compiled templates whatever NODE_ENV says
  await app.register(view, { engine: { eta }, root, viewExt: 'eta', production: true })
  const takeNotice = flash(app, { secure })
  const send = createHtmlSender()
  const assets = {
    css: app.asset('css/app.css'),
    theme: app.asset('js/theme.js'),
    app: app.asset('js/app.js'),
    icon: app.asset('img/icon.svg'),
    text: app.asset('fonts/RedHatTextVF.woff2'),
    display: app.asset('fonts/RedHatDisplay-Medium.woff2'),
  }

  app.decorateReply(
    'page',
    async function (this: FastifyReply, template: string, data: PageView, options: PageOptions = {}) {
      const { status = 200, layout = 'main' } = options
      const notice = layout === 'main' ? takeNotice(this) : undefined
      const body = await app.view(template, data)
      const html = await app.view(`layouts/${layout}`, { body, page: shared(this.request, data.title, notice) })
      this.code(status).type('text/html; charset=utf-8').header('vary', 'accept-encoding, cookie')
      if (!this.hasHeader('cache-control')) this.header('cache-control', 'private, no-cache')
      return send(this, html)
    },
  )

  function shared(request: FastifyRequest, title: string, notice: Notice | undefined) {
    const path = request.url.split('?')[0] ?? '/'
    const { caller } = request
    const nav = [
      { label: 'Models', href: '/models', current: path.startsWith('/models') },
      { label: 'Applications', href: '/applications', current: path.startsWith('/applications') },
      { label: 'Playground', href: '/playground', current: path.startsWith('/playground') },
      { label: 'Usage', href: '/usage', current: path === '/usage' },
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
