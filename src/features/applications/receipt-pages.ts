import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../errors.js'
import { cookieOf } from '../../web/cookies.js'
import { callerOf } from '../../web/guard.js'
import { idOf } from '../../web/ids.js'
import type { Seal } from '../../web/seal.js'
import { receiptView, reloadSeconds, type ShownReceipt } from './receipt-view.js'
import type { Receipts } from './receipts.js'

export interface ReceiptPagesDeps {
  receipts: Pick<Receipts, 'read'>
  /** what is known at the removal goes along in the browser, for a process that has no record; it holds no key */
  seal: Seal
  secure: boolean
  now?: () => number
}

type Carried = ShownReceipt & { account: number }

const COOKIE_SECONDS = 3600
/** How long a process without a record is taken for one of several, before the result is called not available. */
const PATIENCE_MS = 30_000

/** The page of a receipt; `show` leads to it after the removal. Its address names the key, so there may be several. */
export function receiptPages(
  app: FastifyInstance,
  { receipts, seal, secure, now = Date.now }: ReceiptPagesDeps,
): { show(request: FastifyRequest, reply: FastifyReply, shown: ShownReceipt): FastifyReply } {
  const { name, options: cookie } = cookieOf({ name: 'receipt', secure, everywhere: false })

  app.get<{ Params: { key_id: string } }>('/applications/:id/keys/:key_id/receipt', async (request, reply) => {
    const shown = await read(request, request.params.key_id)
    const { receipt, missing } = shown
    // without scripts too, until the check has ended
    if (receipt.status === 'pending' && !missing) reply.header('refresh', String(reloadSeconds(receipt, now())))
    return reply.header('cache-control', 'no-store').page('applications/receipt', receiptView(shown))
  })

  return {
    show(request, reply, shown) {
      const { application_id, key_id } = shown.receipt
      const path = `/applications/${application_id}/keys/${key_id}/receipt`
      const carried: Carried = { ...shown, account: callerOf(request).accountId }
      const sealed = seal.seal(deflateRawSync(JSON.stringify(carried)).toString('base64url'))
      reply.setCookie(name, sealed, { ...cookie, path, maxAge: COOKIE_SECONDS })
      return reply.redirect(path, 303)
    },
  }

  async function read(request: FastifyRequest, keyId: string): Promise<ShownReceipt> {
    const [caller, id] = [callerOf(request), idOf(request)]
    try {
      return await receipts.read(caller, id, keyId)
    } catch (error) {
      if (!isProblem(error, 'not_found')) throw error
    }
    const carried = carriedIn(request)
    const { receipt } = carried ?? {}
    if (!carried || receipt?.application_id !== id || receipt.key_id !== keyId || carried.account !== caller.accountId)
      throw problem('not_found')
    const late = now() - Date.parse(receipt.check_at) > PATIENCE_MS
    return { ...carried, missing: receipt.status === 'pending' && late }
  }

  function carriedIn(request: FastifyRequest): Carried | undefined {
    const packed = seal.open(request.cookies[name] ?? '')
    if (packed === undefined) return undefined
    return JSON.parse(inflateRawSync(Buffer.from(packed, 'base64url')).toString('utf8')) as Carried
  }
}
