import { randomBytes, randomInt } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { createGzipPiece, joinGzipPieces } from '../../../../src/web/pages/compression/gzip-pieces.js'
import { rounds } from '../../../helper/rounds.js'

const piecesOf = (texts: string[]) => Promise.all(texts.map((text) => createGzipPiece(Buffer.from(text), 6)))

t.test('pieces in any order, repeated and empty: gunzip returns their text and accepts the checksum', async (t) => {
  const texts = ['', 'a', 'Müller · 模型', 'x'.repeat(70_000), '', randomBytes(50_000).toString('hex')]
  const pieces = await piecesOf(texts)
  const orders = [[], [0], [1, 2, 3], [5, 4, 3, 2, 1, 0], [2, 2, 2], [3, 5, 3, 1]]
  for (const order of orders) {
    const stream = joinGzipPieces(order.flatMap((index) => pieces[index] ?? []))
    t.equal(gunzipSync(stream).toString(), order.map((index) => texts[index]).join(''), order.join(' '))
  }
})

t.test('random pieces', async (t) => {
  for (let round = 0; round < rounds(50); round++) {
    const texts = Array.from({ length: randomInt(1, 6) }, () => 'ab<p>'.repeat(randomInt(0, 300)) + randomInt(9e9))
    t.equal(gunzipSync(joinGzipPieces(await piecesOf(texts))).toString(), texts.join(''))
  }
})

t.test('a piece is joined without being changed', async (t) => {
  const [first, menu, last] = await piecesOf(['before', 'menu', 'after'])
  if (!first || !menu || !last) return t.fail('no pieces')
  const other = (await piecesOf(['another menu']))[0] ?? menu
  t.equal(gunzipSync(joinGzipPieces([first, menu, last])).toString(), 'beforemenuafter')
  t.equal(gunzipSync(joinGzipPieces([first, other, last])).toString(), 'beforeanother menuafter')
  t.equal(gunzipSync(joinGzipPieces([first, menu, last])).toString(), 'beforemenuafter')
})
