import type { Page } from 'playwright-core'

interface Scripted {
  sent: string[]
  open(call: number, status: number, type: string): void
  push(call: number, text: string): void
  close(call: number): void
  breakOff(call: number): void
}

/**
 * The portal's responses to POST /playground/stream as defined by a test, chunk by chunk. The behavior of a page with slow or broken
 * responses then depends on their order and not on time. The rest of the page comes from the portal.
 */
export async function scriptAnswers(page: Page) {
  await page.addInitScript(() => {
    const real = globalThis.fetch
    const calls: { answer(response: Response | Error): void; to?: ReadableStreamDefaultController<Uint8Array> }[] = []
    const scripted: Scripted = {
      sent: [],
      open(call, status, type) {
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            Object.assign(calls[call] ?? {}, { to: controller })
          },
        })
        calls[call]?.answer(new Response(body, { status, headers: { 'content-type': type } }))
      },
      push: (call, text) => calls[call]?.to?.enqueue(new TextEncoder().encode(text)),
      close: (call) => calls[call]?.to?.close(),
      breakOff(call) {
        if (calls[call]?.to) calls[call].to.error(new TypeError('network error'))
        else calls[call]?.answer(new TypeError('Failed to fetch'))
      },
    }
    Object.assign(globalThis, { scripted })
    globalThis.fetch = (url, options) => {
      if (url !== '/playground/stream') return real(url, options)
      return new Promise((resolve, reject) => {
        const call = { answer: (input: Response | Error) => (input instanceof Error ? reject(input) : resolve(input)) }
        const at = calls.push(call) - 1
        scripted.sent.push(String(options?.body))
        options?.signal?.addEventListener('abort', () => {
          calls[at]?.to?.error(options.signal?.reason)
          reject(options.signal?.reason)
        })
      })
    }
  })
  const on = <Result>(act: (scripted: Scripted) => Result) =>
    page.evaluate(`(${act.toString()})(globalThis.scripted)`) as Promise<Result>

  return {
    /** Fields of the requests that the page has sent. */
    async sent() {
      return (await on(({ sent }) => sent)).map((body) => Object.fromEntries(new URLSearchParams(body)))
    },
    /** Waits until the page has sent the request with this number. */
    async wasSent(call: number) {
      await page.waitForFunction(
        (least) => (globalThis as unknown as { scripted: Scripted }).scripted.sent.length > least,
        call,
      )
    },
    /** Responds to the request with this number after it was sent; the first is 0. */
    async opens(call: number, { status = 200, type = 'text/event-stream' } = {}) {
      await this.wasSent(call)
      await page.evaluate(`globalThis.scripted.open(${call}, ${status}, ${JSON.stringify(type)})`)
    },
    async sends(call: number, ...events: { event?: string; data: object }[]) {
      const text = events.map(({ event, data }) => {
        return `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`
      })
      await this.pushes(call, text.join(''))
    },
    async pushes(call: number, text: string) {
      await page.evaluate(`globalThis.scripted.push(${call}, ${JSON.stringify(text)})`)
    },
    closes: (call: number) => page.evaluate(`globalThis.scripted.close(${call})`),
    breaksOff: (call: number) => page.evaluate(`globalThis.scripted.breakOff(${call})`),
  }
}
