import fc from 'fast-check'
import t from 'tap'
import { createEventReader, EventTooLarge, MAX_EVENT_CHARACTERS } from '../../../src/clients/gateway/event-stream.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../helper/event-loop.js'

/** The events of a text that is split at the positions in `cuts`. */
function eventsIn(bytes: Uint8Array, cuts: number[] = []): string[] {
  const reader = createEventReader()
  const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
  const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
  const events = [...pieces.flatMap((piece) => [...reader.read(piece)].flat()), ...reader.end()]
  return events.filter(({ isStray: stray }) => !stray).map(({ data }) => data)
}

t.test('a stream split at any byte yields the same events, with every line ending', async (t) => {
  const text = '\ufeffdata: é👩‍👧\n\n: note\ndata:a\ndata: b\nid: 1\nevent: x\n\nretry: 5\n\ndata\n\ndata: last'
  const expected = ['é👩‍👧', 'a\nb', '', 'last']
  for (const end of ['\n', '\r\n', '\r']) {
    const bytes = new TextEncoder().encode(text.replaceAll('\n', end))
    for (let cut = 0; cut <= bytes.length; cut++)
      t.same(eventsIn(bytes, [cut, cut + 1]), expected, `${JSON.stringify(end)} cut at ${cut}`)
  }
  const bytes = new TextEncoder().encode(text)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => eventsIn(bytes, cuts).join('|') === expected.join('|')),
  )
})

t.test('event names are returned, and lines that are not fields are reported', async (t) => {
  const reader = createEventReader()
  const text = 'event: error\ndata: one\n\ndata: two\n\n{"error": "three"}\nplain words\n: note\nid: 4\n'
  const found = [...[...reader.read(Buffer.from(text))].flat(), ...reader.end()]
  t.same(found, [
    { event: 'error', data: 'one', isStray: false },
    { event: 'message', data: 'two', isStray: false },
    { event: '', data: '{"error": "three"}', isStray: true },
    { event: '', data: 'plain words', isStray: true },
  ])
})

t.test('an event of a stream with CR line endings is returned as soon as it is complete', async (t) => {
  const reader = createEventReader()
  const announced = ['data: one\r\r', 'data: two\r', '\r', '\n', 'data: three\r\n\r', '\n'].map((piece) =>
    [...reader.read(Buffer.from(piece))].flat().map(({ data }) => data),
  )
  t.same(announced, [['one'], [], ['two'], [], ['three'], []])
})

t.test('an event larger than 64 KB is rejected, however its lines and chunks are split', async (t) => {
  const over = MAX_EVENT_CHARACTERS + 10_000
  const bytes = {
    'no line end': 'x'.repeat(over),
    'one line': `data: ${'x'.repeat(over)}\n\n`,
    'many lines': `${'data: xxxxxxxxx\n'.repeat(over / 8)}\n`,
    'a comment': `: ${'x'.repeat(over)}\n`,
    'lines that are no fields': 'x\n'.repeat(20_001),
  }
  for (const [name, text] of Object.entries(bytes)) {
    const all = new TextEncoder().encode(text)
    const cuts = Array.from({ length: Math.ceil(all.length / 40) }, (_, index) => index * 40)
    t.throws(() => eventsIn(all), EventTooLarge, name)
    t.throws(() => eventsIn(all, cuts), EventTooLarge, `${name} in small chunks`)
  }
  const fits = 'x'.repeat(MAX_EVENT_CHARACTERS - 100)
  t.same(eventsIn(new TextEncoder().encode(`data: ${fits}\n\n`), [5, 20_000]), [fits])
})

t.test('reading takes time linear in the length of the stream, however it is split', async (t) => {
  const streams: Record<string, [text: string, size: number]> = {
    'tiny events': ['data:\n\n'.repeat(150_000), 64 * 1024],
    'empty lines': ['\n'.repeat(1_000_000), 64 * 1024],
    'both line ends': ['\n'.repeat(500_000) + '\r'.repeat(10), 64 * 1024],
    comments: [':\n'.repeat(500_000), 40],
    'long lines in small pieces': [`: ${'x'.repeat(60_000)}\n`.repeat(6), 1],
    'lines without an empty one': [`${`data: ${'x'.repeat(33)}\n`.repeat(1500)}\n`.repeat(16), 40],
    'carriage returns alone': ['data: x\r\r'.repeat(40_000), 1],
  }
  for (const [name, [text, size]] of Object.entries(streams)) {
    const bytes = new TextEncoder().encode(text)
    const reader = createEventReader()
    const { blockedMs } = await strainHere(() => {
      for (let at = 0; at < bytes.length; at += size)
        for (const events of reader.read(bytes.subarray(at, at + size))) void events
      reader.end()
    })
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: ${bytes.length} bytes in ${Math.round(blockedMs)} ms`)
  }
})
