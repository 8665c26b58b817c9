import type { FastifyInstance } from 'fastify'
import { compareByUse } from '../../clients/threescale/application-list.js'
import type { ThreescaleApplication } from '../../clients/threescale/types.js'
import { isProblem } from '../../errors.js'
import { withDeadline } from '../../infra/deadline.js'
import type { Caller } from '../../web/auth/caller.js'
import { codeView } from '../../web/pages/syntax-highlighting.js'
import type { Application } from '../applications/schemas.js'
import type { CatalogueListing, Models } from '../models/models.js'
import type { CardRenderer } from '../models/pages/card-renderer.js'
import type { Model } from '../models/schemas.js'
import type { Snippet } from '../snippets/schemas.js'
import type { UsageSummary } from '../usage/reports/usage-summary.js'
import { type ApplicationState, ownApplicationsView } from './dashboard-view.js'
import { seeAllModels, titles } from './messages.js'

/** A row of the caller's applications, before it is completed. */
interface ListedApplication {
  record: ThreescaleApplication
  /** system name */
  model: string | null
}

export interface HomeDeps<Row extends ListedApplication> {
  models: Pick<Models, 'list'>
  snippets: { forModel(model: Model, options?: { only?: string }): Snippet[] }
  cards: CardRenderer
  applications: {
    rowsSoon(caller: Caller, newest: number): Promise<{ rows: Row[]; total: number }>
    complete(rows: Row[]): Promise<Application[]>
  }
  stateOf(application: Application): ApplicationState
  usage: { recent(caller: Caller, records: ThreescaleApplication[]): Promise<UsageSummary> }
  /** true: visitors see the catalogue too */
  open: boolean
  brand: string
  tagline: string
}

const MAX_CARDS = 6
const MAX_RECOMMENDED = 3
const MAX_APPLICATIONS = 5
/** Of an account with very many applications, whose list takes 3scale long. */
const NEWEST = 25
/** The page does not wait longer for 3scale; a script requests the rest as a fragment. */
const SOON_MS = 400

/** `pending`: a script requests it; `none`: the account has no applications. */
type OwnView = ReturnType<typeof ownApplicationsView> | { kind: 'pending' | 'failed' | 'none' }

interface OwnApplications {
  view: OwnView
  /** models of the caller's applications */
  models: Set<string | null>
}

/** The home page: for visitors what the portal is, for signed-in people their applications, their usage, and models to try. */
export function homePage<Row extends ListedApplication>(app: FastifyInstance, deps: HomeDeps<Row>): void {
  const { models, snippets, cards, applications, usage, open, brand, tagline } = deps

  app.get<{ Querystring: { fragment?: unknown } }>('/', { config: { open: true } }, async (request, reply) => {
    const { caller } = request
    if (!caller) {
      const listing = open ? await listIfAvailable(undefined) : undefined
      const view = () => visitorView(listing?.models ?? [])
      return reply.page('home/visitor', view, listing ? { source: listing.result } : {})
    }
    if (request.query.fragment === 'own') {
      reply.header('cache-control', 'no-store').type('text/html; charset=utf-8')
      return reply.send(await app.view('home/own', (await readOwn(caller)).view))
    }
    const [own, listing] = await Promise.all([
      withDeadline(readOwn(caller, SOON_MS), 2 * SOON_MS, (): OwnApplications => withoutModels('pending')),
      listIfAvailable(caller),
    ])
    return reply.page('home/dashboard', await dashboardView(caller, own, listing))
  })

  async function visitorView(shown: Model[]) {
    const first = shown.find(({ type, model_id }) => type === 'chat' && model_id !== null)
    const sample = first && snippets.forModel(first, { only: 'curl' })[0]
    return {
      title: titles.visitor,
      brand,
      tagline,
      sample: sample && { ...codeView(sample), model: first.name },
      cardsHtml: await cards(recommended(shown).slice(0, MAX_CARDS), { compare: false }),
      more: shown.length > MAX_CARDS ? seeAllModels(shown.length) : '',
    }
  }

  async function dashboardView(caller: Caller, own: OwnApplications, listing: CatalogueListing | undefined) {
    const shown = listing?.models ?? []
    const isNew = own.view.kind === 'none'
    const suggested = recommended(shown, own.models).slice(0, isNew ? MAX_CARDS : MAX_RECOMMENDED)
    return {
      title: titles.dashboard,
      greeting: (isNew || hasNotCalled(own.view) ? titles.firstVisit : titles.greeting)(caller.name),
      ...own.view,
      cardsHtml: await cards(suggested, { compare: false }),
      more: shown.length > MAX_RECOMMENDED ? seeAllModels(shown.length) : '',
    }
  }

  /** With `soonMs`, usage that takes longer is left out. */
  async function readOwn(caller: Caller, soonMs?: number): Promise<OwnApplications> {
    try {
      const { rows, total } = await applications.rowsSoon(caller, NEWEST)
      if (total === 0) return withoutModels('none')
      const shown = rows.toSorted((a, b) => compareByUse(a.record, b.record)).slice(0, MAX_APPLICATIONS)
      const records = rows.map(({ record }) => record)
      const reading = usage.recent(caller, records)
      const [completed, summary] = await Promise.all([
        applications.complete(shown),
        soonMs === undefined ? reading : withDeadline(reading, soonMs),
      ])
      return {
        view: ownApplicationsView({
          rows: completed,
          total,
          stateOf: deps.stateOf,
          usage: summary,
          hasCalled: records.some(({ lastTrafficAt }) => lastTrafficAt !== ''),
        }),
        models: new Set(rows.map(({ model }) => model)),
      }
    } catch (error) {
      if (isUnavailable(error)) return withoutModels('failed')
      throw error
    }
  }

  /** The home page is useful without the catalogue too. */
  async function listIfAvailable(caller: Caller | undefined): Promise<CatalogueListing | undefined> {
    try {
      return await models.list({}, caller)
    } catch (error) {
      if (isUnavailable(error)) return undefined
      throw error
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return isProblem(error, 'threescale_unavailable', 'threescale_busy', 'threescale_denied', 'threescale_scope')
}

function hasNotCalled(view: OwnView): boolean {
  return 'first' in view && view.first !== undefined
}

function withoutModels(kind: 'pending' | 'failed' | 'none'): OwnApplications {
  return { view: { kind }, models: new Set() }
}

/** A model that is about to be retired, or already in use, is no model to start with. */
function recommended(models: Model[], inUse = new Set<string | null>()): Model[] {
  return models.filter(({ state, system_name }) => state === 'available' && !inUse.has(system_name))
}
