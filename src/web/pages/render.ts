import { randomBytes } from 'node:crypto'
import view from '@fastify/view'
import { Eta } from 'eta'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { type Caller, isOperator } from '../auth/caller.js'
import { signInLink } from '../auth/sign-in-link.js'
import {
  bodyOfPage,
  createPageHtml,
  createPiece,
  digest,
  type PageHtml,
  type Piece,
} from './compression/response-body.js'
import { sendBody } from './conditional-response.js'
import { registerExternalRedirect } from './external-redirect.js'
import { type Notice, type NoticeKind, registerFlash } from './flash.js'
import { initials } from './format.js'
import { navigationLabels } from './messages.js'

export interface PagesOptions {
  /** folder of the templates */
  root: string
  /** https: Secure cookies */
  secure: boolean
  brand: string
  links: { label: string; url: string }[]
  contact: { email?: string; url?: string; text?: string } | undefined
  /** groups whose members are operators of the portal */
  operators: string[]
  /** a line below every page, or empty */
  footer: string
  brandFiles: BrandAssets
  /** what is announced at this time at the top of every page */
  announcement(): Announcement
}

/** Paths of a brand's files below the static files. Sizes of logos are in pixels. */
export interface BrandAssets {
  logo?: Logo
  logoDark?: Logo
  icon?: { path: string }
  colors?: string
}

interface Logo {
  path: string
  width: number
  height: number
}

type Announcement = { level: NoticeKind; text: string } | undefined
type Layout = 'main' | 'bare'

export interface PageOptions {
  status?: number
  /** `bare` has neither session nor navigation: pages that refresh at once, and errors before routing */
  layout?: Layout
  /** the immutable object that the page is rendered from; with it, the response is cached */
  source?: object
}

/** Every text, link and number that a template shows. */
export interface PageView {
  title: string
  /** URL that the browser opens at once */
  refresh?: string
  [name: string]: unknown
}

/** The input of the layout, apart from the page itself. It does not identify the caller, so callers with the same models share a page. */
export interface PageContext {
  url: string
  signedIn: boolean
  notice: Notice | undefined
  announcement: Announcement
}

/** What the account menu shows of the caller. */
interface AccountMenu {
  name: string
  orgName: string
  operator: boolean
}

type View = PageView | (() => Promise<PageView>)

const PAGE_HEADERS = { 'content-type': 'text/html; charset=utf-8', vary: 'accept-encoding, cookie' }
/** Longer URLs come from searches that are not repeated. */
const MAX_CACHED_URL = 500
const MAX_CACHED_MENUS = 2000

declare module 'fastify' {
  interface FastifyReply {
    /** Sends views/<template>.eta inside a layout. `view.title` is the title of the page. No promise for a cached page. */
    page(template: string, view: View, options?: PageOptions): FastifyReply | Promise<FastifyReply>
  }
}

/** Renders a page of the `bare` layout without a request. */
export type RenderBarePage = (template: string, view: PageView) => Promise<string>

/**
 * A template without the white space that only lays it out, so that a partial can stand inside of text. Content of `pre` and
 * `textarea` comes from data, not from templates.
 */
function withoutLayout(template: string): string {
  const lines = template.trim().split(/\n\s*/)
  return lines.reduce((text, line) => `${text}${text.lastIndexOf('<') > text.lastIndexOf('>') ? ' ' : '\n'}${line}`)
}

/** Server-rendered pages: Eta templates that show a view model. */
export async function registerPages(app: FastifyInstance, options: PagesOptions): Promise<RenderBarePage> {
  const { root, secure, brand, links, contact, operators, footer, brandFiles, announcement } = options
  const eta = new Eta({
    views: root,
    cache: true,
    autoTrim: false,
    plugins: [{ processTemplate: withoutLayout }],
  })
  // `production` caches compiled templates, whatever NODE_ENV is
  await app.register(view, { engine: { eta }, root, viewExt: 'eta', production: true })
  const takeNotice = registerFlash(app, { secure })
  registerExternalRedirect(app)
  const assets = {
    css: app.asset('css/app.css'),
    theme: app.asset('js/theme.js'),
    app: app.asset('js/app.js'),
    icon: app.asset(brandFiles.icon?.path ?? 'img/icon.svg'),
    colors: brandFiles.colors ? app.asset(brandFiles.colors) : '',
    text: app.asset('fonts/RedHatTextVF.woff2'),
    display: app.asset('fonts/RedHatDisplay-Medium.woff2'),
  }

  const logos = [brandFiles.logo, brandFiles.logoDark].map((logo) => logo && { ...logo, src: app.asset(logo.path) })
  const [logo, logoDark] = logos

  // random, so that no text of a page contains it
  const menuMarker = randomBytes(16).toString('hex')
  const menus = new LRUCache<string, { html: string; piece: Piece; tag: string }>({ max: MAX_CACHED_MENUS })

  app.decorateReply('page', function (this: FastifyReply, template: string, view: View, options: PageOptions = {}) {
    const { status = 200, layout = 'main', source } = options
    const { caller } = this.request
    const notice = layout === 'main' ? takeNotice(this) : undefined
    const context = pageContext(this.request, notice, layout === 'main' ? announcement() : undefined)
    const menu = caller && layout === 'main' ? menuOf(accountMenu(caller, operators)) : undefined
    const isOutcome = this.request.method === 'POST' || status >= 400
    const render = async () =>
      renderInLayout(layout, template, typeof view === 'function' ? await view() : view, context, isOutcome)
    this.code(status).headers(PAGE_HEADERS)
    if (status === 503 && !this.hasHeader('retry-after')) this.header('retry-after', '5')
    const cacheControl = this.getHeader('cache-control')
    // a page that shows a secret is `no-store`, and not compressed: its length must not reveal anything (BREACH)
    if (cacheControl === 'no-store') return render().then((html) => this.send(withMenu(html, menu?.html)))
    if (cacheControl === undefined) this.header('cache-control', 'private, no-cache')
    const send = (page: PageHtml) => sendBody(this, bodyOfPage(page, menu))
    const isCached = source && !notice && context.url.length <= MAX_CACHED_URL
    if (!isCached) return render().then((html) => send(app.responseCache.deduplicate(split(html))))
    const origin = { source, template: `${layout} ${template}`, context }
    const page = app.responseCache.get(origin, async () => split(await render()))
    return page instanceof Promise ? page.then(send) : send(page)
  })

  return (template, view) => renderInLayout('bare', template, view)

  async function renderInLayout(
    layout: Layout,
    template: string,
    data: PageView,
    context?: PageContext,
    isOutcome = false,
  ): Promise<string> {
    const title = `${data.title} · ${brand}`
    const site = { title, brand, logo, logoDark, links, contact, footer, assets, menuMarker }
    const body = await app.view(template, data)
    return app.view(`layouts/${layout}`, {
      body: context?.notice ? body : withFocus(body, isOutcome),
      page: { ...site, ...(context && layoutView(context)), refresh: data.refresh },
    })
  }

  function split(html: string): PageHtml {
    const [before = '', after = ''] = html.split(menuMarker)
    return createPageHtml(before, after)
  }

  function withMenu(html: string, menu = ''): Buffer {
    return Buffer.from(html.replace(menuMarker, () => menu))
  }

  function menuOf(content: AccountMenu) {
    const key = JSON.stringify(content)
    const cached = menus.get(key)
    if (cached) return cached
    const html = eta.render('partials/account-menu', { ...content, initials: initials(content.name) })
    const menu = { html, piece: createPiece(html), tag: digest(html) }
    menus.set(key, menu)
    return menu
  }
}

/** Pages of sign-in and sign-out. A sign-in does not return to them, and their URL may hold an authorization code. */
export function isSignInPath(path: string): boolean {
  return /^\/(login|logout|sign-up|signed-out)(\/|$)/.test(path)
}

/**
 * The only way from a request to a layout. A cached page is stored under the whole context. What identifies the caller is in the
 * account menu, which is inserted into the page for each response.
 */
export function pageContext(
  { url, caller }: Pick<FastifyRequest, 'url' | 'caller'>,
  notice: Notice | undefined,
  announcement?: Announcement,
): PageContext {
  return { url, signedIn: caller !== undefined, notice, announcement }
}

/** What the layout shows of the context. */
export function layoutView({ url, signedIn, notice, announcement }: PageContext) {
  const path = url.split('?')[0] ?? '/'
  const { models, applications, playground, usage } = navigationLabels
  return {
    nav: [
      { label: models, href: '/models', current: path.startsWith('/models') },
      { label: applications, href: '/applications', current: path.startsWith('/applications') },
      { label: playground, href: '/playground', current: path.startsWith('/playground') },
      { label: usage, href: '/usage', current: path === '/usage' },
    ],
    signedIn,
    signIn: signInHref(path, url),
    notice,
    announcement,
  }
}

/** Empty during a sign-in: the page states the user and the next step. */
function signInHref(path: string, url: string): string {
  if (path === '/signed-out') return '/login'
  return isSignInPath(path) ? '' : signInLink(url)
}

/** In this order: an invalid field, the result of a form, an error. */
const focusTargets = ['aria-invalid="true"', 'data-result="true"', 'role="alert"']

/**
 * Focuses an invalid field or the result of a form, which scrolls it into view, without scripts too. Alerts are focused only after
 * a form or a failure.
 */
function withFocus(body: string, isOutcome: boolean): string {
  for (const mark of focusTargets) {
    if (mark === 'role="alert"' && !isOutcome) continue
    const at = attributeIn(body, mark)
    if (at < 0) continue
    const attributes = mark.startsWith('aria') ? ' autofocus' : ' tabindex="-1" autofocus'
    return body.slice(0, at + mark.length) + attributes + body.slice(at + mark.length)
  }
  return body
}

/** Where an element has this attribute; -1 if none has. A text can contain the same characters. */
function attributeIn(html: string, attribute: string): number {
  let at = html.indexOf(attribute)
  while (at >= 0 && html.lastIndexOf('<', at) < html.lastIndexOf('>', at)) at = html.indexOf(attribute, at + 1)
  return at
}

function accountMenu(caller: Caller, operators: string[]): AccountMenu {
  return { name: caller.name, orgName: caller.orgName, operator: isOperator(caller, operators) }
}
