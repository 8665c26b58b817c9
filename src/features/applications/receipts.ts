import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MappingRule } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { callOf } from '../../model-calls/example-calls.js'
import type { Model } from '../models/schemas.js'
import { keyIdOf } from './keys.js'
import { type ModelCalls, type Prepared, tokenRequest } from './model-calls.js'
import { type Probe, probesFor } from './probes.js'
import type { Application, Receipt, ReceiptPath } from './schemas.js'

export interface ReceiptsDeps {
  calls: Pick<ModelCalls, 'prepare'>
  gateway: {
    call(request: Prepared & { timeoutMs: number; freshConnection: boolean }): Promise<{ status: number; text: string }>
  }
  now: () => Date
}

/** Sends the probe with the credentials of this application; undefined: no answer. */
type Ask = (application: Application) => Promise<string | undefined>

/** What a key that never was gets: the gateway's default, or what products choose instead; token endpoints say 400 or 401. */
const REFUSAL = /^40[013] /
const NO_TOKEN = '401 no token'
const ROW = 5
const TOTAL_MS = 8000
const CALL_MS = 2500
const AT_ONCE = 3
/** The gateway forgets a key some moments after the call that it still let through. */
const AFTER_PASS_MS = 150
const AFTER_REFUSAL_MS = 20

const podNote =
  'Each gateway pod keeps its own memory of keys that worked. A pod that was not met here may let one more call per path through before it forgets the key.'
const tokenNote =
  'Access tokens that were got with the old secret go on working until they expire, some minutes after they were made.'

/** Looks whether a key that was taken out of use is still let through, with calls that run no model. */
export function createReceipts({ calls, gateway, now }: ReceiptsDeps) {
  return {
    /** `application` carries the old key. Bounded in time; what does not answer is told as not probed. Never rejects. */
    async prove(
      found: { model: Model; rules: MappingRule[] },
      application: Application,
      old: string,
      keyed: boolean,
    ): Promise<Receipt> {
      const started = performance.now()
      const { credentials } = application
      const oidc = credentials.mode === 'oidc'
      const { probes, not } = oidc
        ? tokenProbe(credentials, found.rules)
        : keyed
          ? probesFor(found.rules, callPathOf(found.model))
          : none(found.rules, 'The application has no key left, so the gateway takes its id with any key.')
      const results = await inTurns(probes, (probe) => watch(probe, asker(probe, found.model), application, started))
      return {
        key_id: keyIdOf(application.id, old),
        at: now().toISOString(),
        seconds: seconds(started),
        paths: results
          .filter((result) => typeof result.outcome !== 'string')
          .map(({ outcome }) => outcome as ReceiptPath),
        not_probed: [
          ...results.flatMap(({ probe, outcome }) =>
            typeof outcome === 'string' ? [{ method: probe.method, path: probe.path, why: outcome }] : [],
          ),
          ...not,
        ],
        note: oidc ? tokenNote : podNote,
      }
    },
  }

  function asker({ method, asked, body }: Probe, model: Model): Ask {
    return async (application) => {
      try {
        const oidc = application.credentials.mode === 'oidc'
        const request = oidc
          ? tokenRequest(application)
          : await calls.prepare(model, application, { method, path: asked, body })
        const { status, text } = await gateway.call({ ...request, timeoutMs: CALL_MS, freshConnection: true })
        if (status >= 500) return undefined
        // a client that has no secret left may be refused in other words than one with a wrong secret
        return oidc && REFUSAL.test(`${status} `) ? NO_TOKEN : `${status} ${text}`
      } catch (error) {
        if (isProblem(error)) return undefined
        throw error
      }
    }
  }

  /**
   * What a refusal looks like is the product's own choice, so a key that never was shows it first. Then the old key is
   * asked with until it was refused five times running, each time on a new connection: another one may meet another pod.
   */
  async function watch(
    probe: Probe,
    ask: Ask,
    application: Application,
    started: number,
  ): Promise<ReceiptPath | string> {
    const began = performance.now()
    const refusal = await ask(decoy(application))
    if (refusal === undefined) return 'There was no answer.'
    if (!REFUSAL.test(refusal)) return 'A refusal cannot be told from other answers here.'
    let [calls, through, row] = [0, 0, 0]
    while (row < ROW && performance.now() - started < TOTAL_MS) {
      const answer = await ask(application)
      calls++
      if (answer === refusal) row++
      else row = 0
      if (answer !== refusal && answer !== undefined) through++
      await sleep(answer === refusal ? AFTER_REFUSAL_MS : AFTER_PASS_MS)
    }
    const { method, path, asked } = probe
    return {
      method,
      path,
      asked,
      calls,
      let_through: through,
      refused_in_a_row: row,
      seconds: seconds(began),
      refused: row >= ROW,
    }
  }
}

/** Where calls of the model go, if nothing of the address has to be filled in. */
function callPathOf(model: Model): string | undefined {
  const { method, path, query, placeholders } = callOf(model)
  return method === 'POST' && query.length === 0 && placeholders.length === 0 ? path : undefined
}

/** The gateway checks tokens, not secrets: where those are made, the old secret can be asked with. */
function tokenProbe({ token_url }: Application['credentials'], rules: MappingRule[]): ReturnType<typeof probesFor> {
  const path = token_url ? new URL(token_url).pathname : ''
  return {
    probes: path ? [{ method: 'POST', path, asked: path }] : [],
    not: none(rules, 'It takes tokens, and the old secret gets none to ask with.').not,
  }
}

function none(rules: MappingRule[], why: string): ReturnType<typeof probesFor> {
  const { probes, not } = probesFor(rules)
  return { probes: [], not: [...probes, ...not].map(({ method, path }) => ({ method, path, why })) }
}

function decoy(application: Application): Application {
  const nobody = randomBytes(16).toString('hex')
  const secrets = { user_key: nobody, app_keys: [nobody], client_secret: nobody }
  return { ...application, credentials: { ...application.credentials, ...secrets } }
}

async function inTurns<T>(probes: Probe[], work: (probe: Probe) => Promise<T>) {
  const results: { probe: Probe; outcome: T }[] = []
  const left = [...probes]
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let probe = left.shift(); probe; probe = left.shift()) results.push({ probe, outcome: await work(probe) })
    }),
  )
  return results.sort((a, b) => probes.indexOf(a.probe) - probes.indexOf(b.probe))
}

function seconds(since: number): number {
  return Math.round(performance.now() - since) / 1000
}
