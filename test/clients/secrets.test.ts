import { Readable } from 'node:stream'
import t from 'tap'
import { createHiding, hiddenIn, hide, written } from '../../src/clients/secrets.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const read = async (stream: Readable) => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

t.test('wherever a text is cut, a secret in it is hidden and nothing else is', async (t) => {
  const secrets = written(['abcab', 'abcabc/d', 'ab', undefined])
  const text = 'ababcabcab abcabc/d abcabc abca ab abcabc\\/d é abcab'
  const hidden = 'ab•••cab ••• •••c abca ab ••• é •••'
  t.equal(hide(text, secrets), hidden, 'longest first, and what is too short is left')
  const bytes = Buffer.from(text)
  for (let cut = 0; cut <= text.length; cut++) {
    const hiding = createHiding(secrets)
    t.equal(hiding.push(text.slice(0, cut)) + hiding.push(text.slice(cut)) + hiding.end(), hidden, `cut at ${cut}`)
    const body = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)], { objectMode: false })
    t.equal(String(await read(hiddenIn(body, secrets))), hidden, `bytes cut at ${cut}`)
  }
  const single = createHiding(secrets)
  t.equal([...text].map((piece) => single.push(piece)).join('') + single.end(), hidden, 'one by one')
})

t.test('a secret is known however an address or JSON writes it', async (t) => {
  const secrets = written(['a"b c/d+e', 'abc'])
  for (const way of ['a"b c/d+e', 'a\\"b c/d+e', 'a\\"b c\\/d+e', 'a%22b%20c%2Fd%2Be', 'a%22b+c%2Fd%2Be'])
    t.equal(hide(`<${way}>`, secrets), '<•••>', way)
  const escaped = (text: string, upper = false) =>
    Array.from(text, (sign) => {
      const digits = sign.charCodeAt(0).toString(16).padStart(4, '0')
      return `\\u${upper ? digits.toUpperCase() : digits}`
    }).join('')
  for (const way of [escaped('a"b c/d+e'), escaped('a"b c/d+e', true), `${escaped('a')}\\"b${escaped(' c/d+')}e`])
    t.equal(hide(`<${way}> \\u0041`, secrets), '<•••> \\u0041', way)
  t.equal(hide('abc', secrets), 'abc', 'three letters tell nothing, and are in many words')
})

t.test('bytes that are no text pass unchanged, and who ends the answer ends its source', async (t) => {
  const all = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256))
  t.same(await read(hiddenIn(Readable.from([all], { objectMode: false }), ['secret'])), all)
  const endless = new Readable({ read() {} })
  t.equal(hiddenIn(endless, []), endless, 'nothing to hide')
  const clean = hiddenIn(endless, ['secret'])
  endless.push('a')
  clean.destroy()
  await new Promise((resolve) => endless.once('close', resolve))
  t.ok(endless.destroyed)
  const broken = new Readable({ read() {} })
  const failing = hiddenIn(broken, ['secret'])
  broken.destroy(new Error('gone'))
  await t.rejects(read(failing), { message: 'gone' })
})

t.test('looking for secrets takes time that is linear in the text, however it is cut', async (t) => {
  const token = Array.from({ length: 1500 }, (_, index) => ((index * 7919) % 36).toString(36)).join('')
  const secrets = written([token, token.slice(0, 40), 'a'.repeat(255)])
  for (const [name, piece] of Object.entries({ nothing: 'x', 'nearly one': token.slice(0, -1), 'a beginning': 'a' }))
    for (const size of [1, 40, 64 * 1024]) {
      const text = piece.repeat(100_000 / piece.length)
      const hiding = createHiding(secrets)
      const { blockedMs } = await strainHere(() => {
        for (let at = 0; at < text.length; at += size) hiding.push(text.slice(at, at + size))
        hiding.end()
      })
      t.ok(blockedMs < LONGEST_BLOCK_MS * 2, `${name} in pieces of ${size}: ${Math.round(blockedMs)} ms`)
    }
})
