import t from 'tap'
import { preferredEncoding } from '../../../../src/web/pages/compression/encodings.js'

type Case = [header: string | undefined, encoding: string | undefined]

const same: Case[] = [
  [undefined, undefined],
  ['', undefined],
  ['gzip', 'gzip'],
  ['gzip, br;q=0', 'gzip'],
  ['br;q=0, gzip;q=0', undefined],
  ['br;q=0.5, gzip', 'gzip'],
  ['gzip;q=0.5, identity', undefined],
  ['*;q=0', undefined],
  ['identity', undefined],
  ['deflate', undefined],
  ['x-brotli', undefined],
  ['GZIP', 'gzip'],
  [';;,=', undefined],
]

t.test('Accept-Encoding: the smallest accepted form, by quality first (RFC 9110 section 12.5.3)', async (t) => {
  const cases: Case[] = [...same, ['br', 'br'], ['gzip, deflate, br, zstd', 'br'], ['*', 'br']]
  for (const [header, encoding] of cases) t.equal(preferredEncoding(header), encoding, header ?? 'none')
})

t.test('Accept-Encoding of a page, which has no brotli form', async (t) => {
  const cases: Case[] = [...same, ['br', undefined], ['gzip, deflate, br, zstd', 'gzip'], ['*', 'gzip']]
  for (const [header, encoding] of cases) t.equal(preferredEncoding(header, 'gzip'), encoding, header ?? 'none')
})
