// Reporter for tap: failures with file and message as they come, how many snippets were proven and how, and as the very
// last line `N passed, N failed`.
import { Transform } from 'node:stream'
import { Parser } from 'tap-parser'

export default class Summary extends Transform {
  #tap = new Parser()
  #passed = 0
  #failed = 0

  constructor() {
    super()
    this.#watch(this.#tap, '')
    process.once('exit', () => process.stdout.write(`${this.#passed} passed, ${this.#failed} failed\n`))
  }

  #watch(parser, name) {
    let children = 0
    parser.on('child', (child) => {
      children++
      this.#watch(child, [name, child.name].filter(Boolean).join(' > '))
    })
    parser.on('assert', (result) => {
      if (result.closingTestPoint && (result.ok || children > 0)) {
        if (result.ok || this.#failed > 0) return
      }
      if (result.ok) this.#passed++
      else this.#fail(name, result)
    })
    parser.on('comment', (comment) => {
      if (comment.startsWith('# snippets ')) this.push(comment.slice(2))
    })
    parser.on('bailout', (reason) => this.#fail(name, { name: `bail out: ${reason}`, diag: {} }))
  }

  #fail(name, { name: assertion, diag }) {
    this.#failed++
    const at = diag?.at ? ` (${diag.at.fileName ?? ''}:${diag.at.lineNumber ?? ''})` : ''
    const detail =
      diag?.diff ??
      (diag?.error
        ? JSON.stringify(diag.error)
        : JSON.stringify({ found: diag?.found, wanted: diag?.wanted, signal: diag?.signal, exitCode: diag?.exitCode }))
    this.push(`not ok: ${name} > ${assertion}${at}\n${String(detail).slice(0, 2000)}\n`)
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
