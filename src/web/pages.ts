import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bodyOf, sendBody } from './body.js'
import { isOperator } from './caller.js'
import { flash } from './flash.js'
import { createKept } from './kept.js'
import { leaving } from './leaving.js'
import { initials } from './words.js'

export interface PagesOptions {
  /** folder of the templates */
  root: string
  /** https: Secure cookies */
  secure: boolean
  brand: string
  links: { label: string; url: string }[]
  contact: { email?: string; url?: string; text?: string } | undefined
  /** groups whose members look after the portal */
  operators: string[]
}

export interface PageOptions {
  status?: number
  /** `bare` needs no session and no navigation: errors use it */
  layout?: 'main' | 'bare'
  /** what the page shows besides its address and what the layout shows of the caller: an object that is replaced whenever it changes */
  of?: object
}

/** Every text, link and number that a template shows. */
export interface PageView {
  title: string
  /** address that the browser goes on to at once */
  refresh?: string
  [name: string]: unknown
}

type View = PageView | (() => Promise<PageView>)

const HTML = 'text/html; charset=utf-8'
/** pages kept in memory: raw, and as they were compressed */
const KEPT_BYTES = 12_000_000

declare module 'fastify' {
  interface FastifyReply {
    /** Sends views/<template>.eta inside a layout. `view.title` is the page's title. */
    page(template: string, view: View, options?: PageOptions): Promise<FastifyReply>
  }
}

/** Renders a page of the `bare` layout where there is no request to speak of. */
export type BarePage = (template: string, view: PageView) => Promise<string>

/** Pages on the way in and out. Nobody returns to them after a sign-in, and their addresses may hold a code of the sign-in service. */
export function isOfSignIn(path: string): boolean {
  return /^\/(login|logout|sign-up|signed-out)(\/|$)/.test(path)
}

/** Server-rendered pages: Eta templates that only show what a view model says. */
export async function pages(
  app: FastifyInstance,
  { root, secure, brand, links, contact, operators }: PagesOptions,
): Promise<BarePage> {
  const eta = new Eta({ views: root, cache: true, autoTrim: false })
  // `production` keeps compiled templates whatever NODE_ENV says
  await app.register(view, { engine: { eta }, root, viewExt: 'eta', production: true })
  const takeNotice = flash(app, { secure })
  leaving(app)
  const kept = createKept(KEPT_BYTES)
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
    async function (this: FastifyReply, template: string, view: View, options: PageOptions = {}) {
      const { status = 200, layout = 'main', of } = options
      const notice = layout === 'main' ? takeNotice(this) : undefined
      const ofRequest = shownOf(this.request)
      const render = async () => {
        const data = typeof view === 'function' ? await view() : view
        return inLayout(layout, template, data, { ...common(data.title), notice, ...ofRequest })
      }
      this.code(status).type(HTML).header('vary', 'accept-encoding, cookie')
      if (status === 503 && !this.hasHeader('retry-after')) this.header('retry-after', '5')
      // a page that shows a secret is `no-store`; it is not compressed either, so its length tells nothing (BREACH)
      if (this.getHeader('cache-control') === 'no-store') return this.send(Buffer.from(await render()))
      if (!this.hasHeader('cache-control')) this.header('cache-control', 'private, no-cache')
      if (!of || notice || this.request.url.length > 500) return sendBody(this, kept.same(bodyOf(await render())))
      const key = JSON.stringify([template, layout, this.request.url, ofRequest])
      return sendBody(this, await kept.madeOf(of, key, async () => bodyOf(await render())))
    },
  )

  return (template, view) => inLayout('bare', template, view, common(view.title))

  async function inLayout(layout: 'main' | 'bare', template: string, data: PageView, page: object): Promise<string> {
    return app.view(`layouts/${layout}`, {
      body: await app.view(template, data),
      page: { ...page, refresh: data.refresh },
    })
  }

  function common(title: string) {
    return { title: `${title} · ${brand}`, brand, links, contact, assets }
  }

  /** All that a layout shows of a request and its caller. Pages are kept under it, so a kept page shows the same to both. */
  function shownOf(request: FastifyRequest) {
    const path = request.url.split('?')[0] ?? '/'
    const { caller } = request
    const nav = [
      { label: 'Models', href: '/models', current: path.startsWith('/models') },
      { label: 'Applications', href: '/applications', current: path.startsWith('/applications') },
      { label: 'Playground', href: '/playground', current: path.startsWith('/playground') },
      { label: 'Usage', href: '/usage', current: path === '/usage' },
    ]
    return {
      nav,
      user: caller
        ? {
            name: caller.name,
            orgName: caller.orgName,
            initials: initials(caller.name),
            operator: isOperator(caller, operators),
          }
        : undefined,
      signIn: isOfSignIn(path) ? '/login' : `/login?return_to=${encodeURIComponent(request.url)}`,
    }
  }
}
