// Reporter for tap: failures with file and message as they occur, how many snippets were run or parsed, and as the very
// last line `N passed, N failed`.
import { Transform } from 'node:stream'
import { Parser } from 'tap-parser'

/** Of all reports that one process reads. */
let passed = 0
let failed = 0

export default class Summary extends Transform {
  static {
    process.once('exit', () => {
      process.stdout.write(`${passed} passed, ${failed} failed\n`)
      if (failed > 0) process.exitCode ||= 1
    })
  }

  #tap = new Parser()

  constructor() {
    super()
    this.#watch(this.#tap, '')
  }

  /** Returns how many failures were counted in the input of this parser. */
  #watch(parser, name) {
    const inOrder = []
    let inside = 0
    const fail = (result) => {
      inside++
      this.#fail(name, result)
    }
    parser.on('child', (child) => {
      const full = [name, child.name].filter(Boolean).join(' > ')
      inOrder.push({ name: full, failed: this.#watch(child, full) })
    })
    parser.on('assert', (result) => {
      if (!result.closingTestPoint) {
        if (result.ok) passed++
        else fail(result)
        return
      }
      // A file or subtest is counted by its assertions; one that fails without any (a crashed file), or has none, counts as one.
      const child = inOrder.shift()
      const known = child?.failed() ?? 0
      inside += known
      if (known > 0 || (result.ok && !result.skip)) return
      inside++
      const what = typeof result.skip === 'string' ? result.skip : result.name
      this.#fail('', { ...result, name: child && child.name !== what ? `${child.name} > ${what}` : what })
    })
    parser.on('comment', (comment) => {
      if (comment.startsWith('# snippets ')) this.push(comment.slice(2))
    })
    parser.on('bailout', (reason) => fail({ name: `bail out: ${reason}` }))
    parser.on('complete', ({ ok, failures }) => {
      if (name === '' && !ok && inside === 0) fail({ name: failures?.[0]?.tapError ?? 'the report is incomplete' })
    })
    return () => inside
  }

  #fail(name, { name: assertion, diag }) {
    failed++
    const at = diag?.at ? ` (${diag.at.fileName ?? ''}:${diag.at.lineNumber ?? ''})` : ''
    const detail =
      diag?.diff ??
      (diag?.error
        ? JSON.stringify(diag.error)
        : JSON.stringify({ found: diag?.found, wanted: diag?.wanted, signal: diag?.signal, exitCode: diag?.exitCode }))
    this.push(`not ok: ${[name, assertion].filter(Boolean).join(' > ')}${at}\n${String(detail).slice(0, 2000)}\n`)
  }

  _transform(chunk, _encoding, done) {
    this.#tap.write(chunk)
    done()
  }

  _flush(done) {
    this.#tap.end()
    done()
  }
}
