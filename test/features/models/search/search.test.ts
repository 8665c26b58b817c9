import fc from 'fast-check'
import t from 'tap'
import { createConcepts } from '../../../../src/features/models/search/concepts.js'
import type { SearchDocument } from '../../../../src/features/models/search/document.js'
import { search } from '../../../../src/features/models/search/search.js'
import { createSearchIndex } from '../../../../src/features/models/search/search-index.js'

type Sketch = Partial<SearchDocument> & { names: string[] }

async function searcher(sketches: Sketch[], { synonyms = {}, hidden = [] as string[] } = {}) {
  const documents = sketches.map((own) => {
    const empty = { facts: '', text: '', tags: [], languages: [], contextLength: 0 }
    const tags = [...(own.tags ?? []), ...(own.languages ?? []).map((code) => `language:${code}`)]
    return { ...empty, ...own, tags }
  })
  const languages = new Set(documents.flatMap((document) => document.languages))
  const index = await createSearchIndex(documents, createConcepts(synonyms, languages))
  const visible = Uint8Array.from(documents, ({ names: [name = ''] }) => (hidden.includes(name) ? 0 : 1))
  const ask = (q: string) => search(index, q, visible)
  const names = (q: string) =>
    [...ask(q).scores.entries()]
      .filter(([, score]) => score > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([at]) => documents[at]?.names[0])
  return { ask, names }
}

const garden: Sketch[] = [
  {
    names: ['Granite 3.3 8B Instruct', 'granite-chat', 'ibm-granite/granite-3.3-8b-instruct'],
    text: 'A fast model for chat, summaries and extraction.',
    tags: ['type:chat', 'capability:tools', 'language:many', 'price:free'],
    languages: ['en', 'de', 'fr'],
    contextLength: 131_072,
  },
  {
    names: ['Llama 3.3 70B', 'llama-chat', 'meta-llama/Llama-3.3-70B-Instruct'],
    text: 'A large model for code review. Slower than Granite.',
    tags: ['type:chat'],
    languages: ['en'],
    contextLength: 128_000,
  },
  {
    names: ['Mistral Small 3.2', 'mistral-chat', 'mistralai/Mistral-Small-3.2-24B'],
    text: 'Low-cost chat about images.',
    tags: ['type:chat', 'capability:vision', 'price:free'],
    languages: ['pt-br', 'pt', 'fr'],
    contextLength: 32_768,
  },
  { names: ['Qwen2.5 Coder', 'qwen-coder'], text: 'Completes and explains code.', tags: ['type:completion'] },
  { names: ['Nomic Embed Text', 'nomic-embed'], facts: 'Embedding', tags: ['type:embedding'], languages: ['de', 'ja'] },
  { names: ['BGE Reranker', 'bge-reranker'], text: 'Sorts search results.', tags: ['type:rerank'], languages: ['de'] },
  { names: ['Stable Diffusion XL', 'sdxl'], text: 'Generates images.', tags: ['type:image'] },
  { names: ['Whisper Large v3', 'whisper'], text: 'Transcribes ninety languages.', tags: ['type:speech_to_text'] },
  { names: ['Kokoro TTS', 'kokoro'], text: 'Converts text to speech.', tags: ['type:text_to_speech'] },
]
const granite = 'Granite 3.3 8B Instruct'
const llama = 'Llama 3.3 70B'
const mistral = 'Mistral Small 3.2'
const coder = 'Qwen2.5 Coder'
const nomic = 'Nomic Embed Text'
const bge = 'BGE Reranker'
const whisper = 'Whisper Large v3'

t.test('a query finds what it means', async (t) => {
  const { names } = await searcher(garden)
  const cases: [kind: string, expected: (string | undefined)[], ...queries: string[]][] = [
    ['embeddings', [nomic], 'embed', 'embeddings', 'vectors', 'semantic search', 'Vektoren', 'text embedding models'],
    ['reranking', [bge], 'rerank', 're-ranker', 'reranking', 'reranker for search', 'cross-encoder'],
    ['retrieval', [nomic, bge, granite, llama, mistral], 'RAG', 'retrieval-augmented generation'],
    ['speech', [whisper], 'transcribe', 'transcription', 'speech-to-text', 'STT', 'Transkription', 'dictation'],
    ['voice', ['Kokoro TTS'], 'text to speech', 'tts', 'read aloud', 'Sprachausgabe'],
    ['vision', [mistral], 'vision', 'image understanding', 'OCR', 'multimodal', 'Bilder verstehen'],
    ['image', ['Stable Diffusion XL'], 'image generation', 'text to image', 'draw'],
    ['code', [coder, llama], 'code', 'coding', 'SQL', 'python', 'Programmieren'],
    ['summaries', [granite], 'summarise', 'summarize', 'summaries', 'summarisation', 'summarization', 'zusammenfassen'],
    ['tools', [granite], 'function calling', 'tool use', 'agents'],
    ['free', [granite, mistral], 'free', 'free of charge', 'kostenlos', 'gratis'],
    ['German', [granite, nomic, bge], 'German', 'Deutsch', 'allemand'],
    ['German embeddings', [nomic], 'german embedding', 'deutsche Embeddings', 'embeddings for German texts'],
    ['codes of languages', [nomic], 'ja', 'Japanese', '日本語', 'japonais'],
    ['regions of languages', [mistral], 'Portuguese', 'português', 'pt-BR', 'Brazilian Portuguese'],
    ['accents', [granite, mistral], 'français', 'Francais', 'FRENCH'],
    ['many languages', [granite], 'multilingual', 'mehrsprachig'],
    [
      'context',
      [granite, llama],
      '128k',
      '128,000',
      '128 k tokens',
      'long context',
      'lange Dokumente',
      '100k context window',
    ],
    ['shorter context', [mistral, granite, llama], '32k'],
    ['versions', [granite], 'granite 3.3', 'Granite-3.3', 'granite3.3', 'granite 3'],
    ['joined versions', [coder], 'qwen2.5', 'qwen 2.5', 'qwen 2'],
    ['versions after v', [whisper], 'whisper v3', 'whisper 3'],
    ['sizes', [granite], '8b', '8B instruct'],
    ['parts of names', [mistral], 'mistr', 'istral'],
    ['stop words', [mistral], 'I am looking for a model that can handle vision', 'welche Modelle für Vision gibt es?'],
    ['optional words', [nomic], 'embedding for documents', 'embedding input'],
  ]
  for (const [kind, expected, ...queries] of cases) for (const q of queries) t.same(names(q), expected, `${kind}: ${q}`)
})

t.test('exact names and IDs are first, then names, then descriptions', async (t) => {
  const { names } = await searcher([
    { names: ['Tiny', 'tiny'], text: 'Smaller than Granite.' },
    { names: ['Granite Guardian', 'guardian'] },
    { names: ['Granite', 'base'] },
    { names: ['Other', 'org/granite'] },
  ])
  t.same(names('granite'), ['Granite', 'Granite Guardian', 'Other', 'Tiny'])
  t.same(names('org/granite'), ['Other'])
})

t.test('a version belongs to the name before it', async (t) => {
  const { names, ask } = await searcher(garden)
  t.same(names('llama 3.3'), [llama])
  t.same(names('granite 3.2'), [granite], '3.2 is the version of another model')
  t.same(ask('granite 3.2').ignored, ['3.2'])
  t.same(names('lama 3.1'), [llama])
  t.ok(ask('lama 3.1').approximate)
  t.same(names('mistral .3'), [mistral])
})

t.test(
  'words that no model matches are ignored, and words with a typing error corrected, and both are reported',
  async (t) => {
    const { names, ask } = await searcher(garden)
    t.same(names('summarization of contracts'), [granite])
    t.same(ask('summarization of contracts').ignored, ['contracts'])
    for (const [typed, meant, found] of [
      ['wisper', 'whisper', whisper],
      ['mistarl', 'mistral', mistral],
      ['rerankr', 'rerank', bge],
      ['transcirbe', 'transcribe', whisper],
    ] as const) {
      t.same(names(typed), [found], typed)
      t.match(ask(typed), { approximate: true, corrections: [{ from: typed }] }, `${typed} is ${meant}`)
    }
    t.same(names('bake'), [], 'a short word with another letter is another word')
    t.same(
      names('granite kokoro'),
      [granite, 'Kokoro TTS', llama],
      'without a model that matches all, those that match the most',
    )
    t.ok(ask('granite kokoro').approximate)
    t.notOk(ask('granite').approximate)
    t.same(ask('nomad').suggestions, ['nomic'])
    t.same(ask('xyz').suggestions, [])
  },
)

t.test('a low price is an order, not a filter', async (t) => {
  const { ask, names } = await searcher(garden)
  for (const q of ['cheap chat', 'cheapest chat', 'low-cost chat', 'günstiger Chat', 'chat, inexpensive']) {
    t.ok(ask(q).lowPriceFirst, q)
    t.same(names(q)[0], mistral, 'the one that says so first')
    t.same(names(q).length, 3)
  }
  t.same(names('cheap').length, garden.length)
  t.same(names('cheap unicorns'), [])
  t.notOk(ask('chat').lowPriceFirst)
})

t.test('nothing depends on models that the caller does not see', async (t) => {
  const secret: Sketch = { names: ['Nightingale 7', 'nightingale'], tags: ['type:rerank'], languages: ['fi'] }
  const without = await searcher(garden)
  const { ask } = await searcher([...garden, secret], { hidden: ['Nightingale 7'] })
  for (const q of [
    'nightingale',
    'nightingal',
    'nightin chat',
    'nightingale 7',
    'Finnish',
    'chat 7',
    'nightmare',
    'fi reranker',
    '',
  ]) {
    const { scores, ...rest } = ask(q)
    const { scores: expected, ...others } = without.ask(q)
    t.same([...scores.slice(0, garden.length)], [...expected], q)
    t.equal(scores[garden.length], 0, q)
    t.same(rest, others, q)
  }
})

t.test('the operator adds meanings', async (t) => {
  const { names } = await searcher(garden, {
    synonyms: { 'claims desk': ['transcribe', 'type:image'], rag: ['rerank'] },
  })
  t.same(names('Claims Desk'), [whisper, 'Stable Diffusion XL'])
  t.same(names('rag'), [bge], 'instead of those of the portal')
})

t.test('a query of stop words finds everything, one of symbols what contains them', async (t) => {
  const { names } = await searcher([...garden, { names: ['R&D', 'r-d'] }])
  t.equal(names('the best models').length, garden.length + 1)
  t.same(names('&'), ['R&D'])
  t.same(names('§'), [])
})

t.test('any text is a query: scores are of visible documents only, and the same each time', async (t) => {
  const { ask } = await searcher(garden, { hidden: [llama] })
  const word = fc.constantFrom(
    'granite',
    '3.3',
    '128k',
    'cheap',
    'rag',
    'de',
    'v3',
    'the',
    'c++',
    '9'.repeat(30),
    'ǆ',
    '🎉',
    'a.b',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(word, { maxLength: 60 }).map((each) => each.join(' ')),
  )
  fc.assert(
    fc.property(text, (q) => {
      const found = ask(q)
      t.equal(found.scores.length, garden.length)
      t.equal(found.scores[1], 0)
      t.same(ask(q), found)
    }),
  )
})
