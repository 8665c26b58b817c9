import t from 'tap'
import { embeddingMessages } from '../../../src/features/playground/messages.js'
import { MAX_DIMENSIONS, readRanking, readVectors } from '../../../src/features/playground/results.js'
import { rankingView, similarityView } from '../../../src/features/playground/results-view.js'

const base64 = (...numbers: number[]) => Buffer.from(new Float32Array(numbers).buffer).toString('base64')

t.test('vectors are parsed in the format of every embedding server', async (t) => {
  const two = [
    [1, 2],
    [3, 4],
  ]
  for (const [server, body] of [
    ['OpenAI and vLLM', { data: two.map((embedding, index) => ({ index, embedding })) }],
    [
      'in another order',
      {
        data: [
          { index: 1, embedding: [3, 4] },
          { index: 0, embedding: [1, 2] },
        ],
      },
    ],
    ['base64', { data: [{ embedding: base64(1, 2) }, { embedding: base64(3, 4) }] }],
    ['TEI /embed', two],
    ['Ollama /api/embed and Cohere v1', { embeddings: two }],
    ['Cohere v2', { embeddings: { float: two } }],
    ['Cohere v2, base64', { embeddings: { base64: [base64(1, 2), base64(3, 4)] } }],
    ['Gemini', { embeddings: two.map((values) => ({ values })) }],
    ['llama.cpp /embedding', two.map((embedding, index) => ({ index, embedding: [embedding] }))],
    ['vLLM /pooling', { data: two.map((data, index) => ({ index, data })) }],
  ] as const)
    t.same(readVectors(body, 2), { vectors: two, returned: 2, perToken: false }, server)
  for (const body of [{ embedding: [1, 2] }, { embedding: { values: [1, 2] } }, [1, 2]])
    t.same(readVectors(body, 1), { vectors: [[1, 2]], returned: 1, perToken: false }, 'a single text')
})

t.test('vectors per token are compared by their mean, and the page states it', async (t) => {
  const all = [
    [
      [1, 0],
      [3, 2],
    ],
    [[5, 5]],
  ]
  t.same(readVectors(all, 2), {
    vectors: [
      [2, 1],
      [5, 5],
    ],
    returned: 2,
    perToken: true,
  })
  t.match(similarityView({ body: all, text: '', ms: 1 }, ['a', 'b']).remarks, [embeddingMessages.perToken])
})

t.test('malformed vectors are bounded and never cause an error', async (t) => {
  const long = readVectors({ data: [{ embedding: base64(...Array<number>(MAX_DIMENSIONS + 100).fill(1)) }] }, 1)
  t.equal(long.vectors[0]?.length, MAX_DIMENSIONS)
  t.same(readVectors({ data: [{ embedding: base64(Number.NaN, Number.POSITIVE_INFINITY, 1) }] }, 1).vectors, [
    [0, 0, 1],
  ])
  for (const body of [{ data: [{ embedding: '!' }] }, { embeddings: 'x' }, { embeddings: {} }, [[]], [null], ['x']])
    t.ok(
      readVectors(body, 1).vectors.every(({ length }) => length === 0),
      JSON.stringify(body),
    )
})

t.test('scores are parsed in the format of every reranking server', async (t) => {
  const best = [
    { index: 1, score: 0.9 },
    { index: 0, score: 0.2 },
  ]
  const [first, second] = [
    { index: 0, score: 0.2 },
    { index: 1, score: 0.9 },
  ]
  for (const [server, body] of [
    [
      'Cohere, Jina, vLLM',
      {
        results: [
          { index: 1, relevance_score: 0.9 },
          { index: 0, relevance_score: 0.2 },
        ],
      },
    ],
    ['TEI', [second, first]],
    [
      'TEI with texts',
      [
        { ...second, text: 'b' },
        { ...first, text: 'a' },
      ],
    ],
    ['vLLM /score', { data: [first, second] }],
    [
      'Voyage and Mixedbread',
      {
        data: [
          { index: 1, relevance_score: 0.9 },
          { index: 0, relevance_score: 0.2 },
        ],
      },
    ],
    [
      'NVIDIA',
      {
        rankings: [
          { index: 1, logit: 0.9 },
          { index: 0, logit: 0.2 },
        ],
      },
    ],
    ['numbers in the order of the documents', [0.2, 0.9]],
  ] as const)
    t.same(readRanking(body, 2), best, server)
  t.same(readRanking([second, second], 2), [second], 'each document once')
  for (const body of [[null], ['x'], [[0.1]], { data: {} }, { results: [{ index: -1, score: 1 }] }])
    t.same(readRanking(body, 2), [], JSON.stringify(body))
  t.match(
    rankingView({ body: {}, text: '', ms: 7 }, ['a']).summary,
    'The response contains no scores that the portal can read',
  )
})
