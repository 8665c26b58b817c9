import { Readable } from 'node:stream'
import t from 'tap'
import { createRedactor, redact, redactStream, secretForms } from '../../src/infra/redaction.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const read = async (stream: Readable) => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

t.test('a secret is redacted wherever the text is split, and nothing else is', async (t) => {
  const secrets = secretForms(['abcab', 'abcabc/d', 'ab', undefined])
  const text = 'ababcabcab abcabc/d abcabc abca ab abcabc\\/d é abcab'
  const hidden = 'ab•••cab ••• •••c abca ab ••• é •••'
  t.equal(redact(text, secrets), hidden, 'longest first; a string that is too short is not redacted')
  const bytes = Buffer.from(text)
  for (let cut = 0; cut <= text.length; cut++) {
    const hiding = createRedactor(secrets)
    t.equal(hiding.push(text.slice(0, cut)) + hiding.push(text.slice(cut)) + hiding.end(), hidden, `split at ${cut}`)
    const body = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)], { objectMode: false })
    t.equal(String(await read(redactStream(body, secrets))), hidden, `bytes split at ${cut}`)
  }
  const single = createRedactor(secrets)
  t.equal([...text].map((piece) => single.push(piece)).join('') + single.end(), hidden, 'byte by byte')
})

t.test('a secret is redacted in every encoding of a URL or JSON', async (t) => {
  const secrets = secretForms(['a"b c/d+e', 'abc'])
  for (const way of ['a"b c/d+e', 'a\\"b c/d+e', 'a\\"b c\\/d+e', 'a%22b%20c%2Fd%2Be', 'a%22b+c%2Fd%2Be'])
    t.equal(redact(`<${way}>`, secrets), '<•••>', way)
  const escaped = (text: string, upper = false) =>
    Array.from(text, (sign) => {
      const digits = sign.charCodeAt(0).toString(16).padStart(4, '0')
      return `\\u${upper ? digits.toUpperCase() : digits}`
    }).join('')
  for (const way of [escaped('a"b c/d+e'), escaped('a"b c/d+e', true), `${escaped('a')}\\"b${escaped(' c/d+')}e`])
    t.equal(redact(`<${way}> \\u0041`, secrets), '<•••> \\u0041', way)
  t.equal(redact('abc', secrets), 'abc', 'a string of three characters reveals nothing and occurs in many words')
})

t.test('binary data is unchanged, and cancelling the response cancels its source', async (t) => {
  const all = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256))
  t.same(await read(redactStream(Readable.from([all], { objectMode: false }), ['secret'])), all)
  const endless = new Readable({ read() {} })
  t.equal(redactStream(endless, []), endless, 'nothing to redact')
  const clean = redactStream(endless, ['secret'])
  endless.push('a')
  clean.destroy()
  await new Promise((resolve) => endless.once('close', resolve))
  t.ok(endless.destroyed)
  const broken = new Readable({ read() {} })
  const failing = redactStream(broken, ['secret'])
  broken.destroy(new Error('gone'))
  await t.rejects(read(failing), { message: 'gone' })
})

t.test('redaction takes time linear in the length of the text, however it is split', async (t) => {
  const token = Array.from({ length: 1500 }, (_, index) => ((index * 7919) % 36).toString(36)).join('')
  const secrets = secretForms([token, token.slice(0, 40), 'a'.repeat(255)])
  for (const [name, piece] of Object.entries({ nothing: 'x', 'nearly one': token.slice(0, -1), 'a beginning': 'a' }))
    for (const size of [1, 40, 64 * 1024]) {
      const text = piece.repeat(50_000 / piece.length)
      const hiding = createRedactor(secrets)
      const { blockedMs } = await strainHere(() => {
        for (let at = 0; at < text.length; at += size) hiding.push(text.slice(at, at + size))
        hiding.end()
      })
      t.ok(blockedMs < LONGEST_BLOCK_MS * 2, `${name} in chunks of ${size}: ${Math.round(blockedMs)} ms`)
    }
})
