import t from 'tap'
import { explainResponse, isModelResponse, modelOutput } from '../../src/model-calls/response-messages.js'
import { modelOf } from '../helper/models.js'

const model = modelOf({ type: 'chat', name: 'A model', system_name: 'a-model' })
const refusals = {
  authFailed: { status: 401, text: 'Wrong key' },
  authMissing: { status: 401, text: 'No key' },
  noMatch: { status: 404, text: 'No such path' },
  limitsExceeded: { status: 402, text: 'Buy more' },
}
const words = (status: number, text: string, headers: Record<string, string> = {}) =>
  explainResponse({ status, text, headers }, model, refusals)
const error = (message: string) => JSON.stringify({ error: { message } })

t.test('the message names the plan only for rejections by the gateway itself', async (t) => {
  const wait = { 'retry-after': '59' }
  t.equal(words(429, 'Usage limit exceeded', wait), 'The limit of your plan is exhausted. Try again in 59 seconds.')
  t.equal(words(429, 'Limits exceeded\n'), 'The limit of your plan is exhausted.')
  t.equal(words(402, 'Buy more'), 'The limit of your plan is exhausted.', 'as the product is configured')
  t.match(words(429, 'whatever', { 'x-envoy-ratelimited': 'true' }), 'limit of your plan')
  const busy: [status: number, text: string, headers?: Record<string, string>][] = [
    [429, '{"error":"Model is overloaded","error_type":"overloaded"}'],
    [429, error('Rate limit reached for gpt-4o'), wait],
    [429, ''],
    [429, 'Too Many Requests'],
    [429, 'Buy more'],
    [529, error('Overloaded')],
    [503, error('Too many requests in the queue')],
    [503, 'pending request queue full'],
  ]
  for (const [status, text, headers] of busy) {
    const reported = words(status, text, headers)
    t.match(reported, /^The model is busy: .* This is not the limit of your plan\./, text)
    t.notMatch(reported, 'exhausted', text)
  }
  t.match(words(429, error('Rate limit reached'), wait), /59 seconds\. The model server reports: “Rate limit reached”$/)
})

t.test('an unpaid provider account is distinguished from an exhausted plan and from overload', async (t) => {
  for (const [status, text] of [
    [429, error('You exceeded your current quota, please check your plan and billing details.')],
    [402, error('Insufficient Balance')],
    [402, ''],
    [403, error('insufficient_quota')],
    [400, error('Budget has been exceeded! Current cost: 1.2, Max budget: 1.0')],
    [429, error('ExceededBudget: team is over budget')],
  ] as const)
    t.match(words(status, text), /no quota or budget left\. This is not the limit of your plan\./, text)
  t.match(words(400, error('thinking.budget_tokens must be lower than max_tokens')), /^The model server did not accept/)
})

t.test('a credential that the model server rejects is not reported as the credential of the user', async (t) => {
  for (const [status, text] of [
    [403, 'Authentication failed'],
    [401, 'Wrong key'],
  ] as const)
    t.match(words(status, text), /^The gateway rejected the credentials/)
  for (const [status, text] of [
    [403, 'Authentication parameters missing'],
    [401, 'No key'],
  ] as const)
    t.match(words(status, text), /^The gateway found no credential/)
  for (const [status, text] of [
    [401, '{"error":"Unauthorized"}'],
    [401, error('You must provide a missing API key')],
    [403, '<html><title>403 Forbidden</title></html>'],
    [403, ''],
    [403, 'Wrong key'],
  ] as const)
    t.match(words(status, text), /^The model server rejected the request after the gateway accepted the key/, text)
  t.match(words(401, '{"error":"Unauthorized"}'), /The model server reports: “Unauthorized”$/)
})

t.test('an unknown path is attributed to the gateway or to the model server', async (t) => {
  for (const text of ['No Mapping Rule matched', 'No such path'])
    t.match(words(404, text), 'No mapping rule of the gateway matches this path.')
  t.match(words(404, ''), /^Neither the gateway nor the model server knows this URL/)
  t.match(
    words(404, error('The model `x` does not exist.')),
    /does not know this path or model ID.*The model server reports: “The model `x` does not exist\.”$/,
  )
})

t.test('starting, slow and failing models get different messages', async (t) => {
  for (const text of [
    '{"error":"Model is loading"}',
    error('Loading model'),
    '{"error":"Model bert is currently loading","estimated_time":20}',
    'no healthy upstream',
    'model not ready',
    'activator request timeout',
    'timed out waiting for the condition',
  ])
    t.match(
      words(503, text),
      /^The model is starting, which may take a few minutes\. Try again in a minute\. The model/,
      text,
    )
  t.match(words(503, error('Loading model'), { 'retry-after': '20' }), 'Try again in 20 seconds.')
  t.match(
    words(504, '<html><title>504 Gateway Time-out</title>'),
    /did not respond in time.*error page reports: “504 Gateway/,
  )
  t.match(
    words(502, '<html><head><title>502 Bad Gateway</title>'),
    /failed to process the request.*reports: “502 Bad Gateway”$/,
  )
  t.match(words(500, error('CUDA out of memory')), /failed to process the request.*“CUDA out of memory”$/)
  t.match(words(503, ''), /failed to process the request/)
  t.match(words(424, error('Request failed during generation')), /failed to process the request.*“Request failed/)
  t.match(words(524, '<!DOCTYPE html><title>524: A timeout occurred</title>'), /did not respond in time/)
  t.match(
    words(503, '<html><body><h1>Application is not available</h1></body></html>'),
    /^No instance of the model server is ready.*The error page reports: “Application is not available”$/,
  )
})

t.test('a request that the model server rejects is reported in the words of the server', async (t) => {
  for (const [status, text, own] of [
    [400, error('maximum context length is 4096'), 'maximum context length is 4096'],
    [422, '{"detail":[{"msg":"field required"}]}', 'field required'],
    [400, '{"error":"inputs must be fewer"}', 'inputs must be fewer'],
    [415, 'Use JSON', 'Use JSON'],
  ] as const)
    t.equal(words(status, text), `The model server did not accept the request. The model server reports: “${own}”`)
  t.equal(words(400, ''), 'The model server did not accept the request.')
  t.match(words(413, '<html><title>413 Request Entity Too Large'), /^The request is larger than/)
  t.match(words(302, ''), /^The endpoint redirects to another URL/)
})

t.test('a response with a success status can be an error or empty', async (t) => {
  t.equal(words(200, '{"choices":[{"message":{"content":"Hi"}}]}'), 'The model responded.')
  t.equal(words(200, '{"data":[]}'), 'The model responded.')
  t.equal(words(200, error('no room')), 'The model server responded with an error. The model server reports: “no room”')
  t.equal(words(204, ''), 'The model server sent an empty response.')
  t.equal(words(200, '\n'), 'The model server sent an empty response.')
  t.equal(words(200, '{"message":"Hello World"}'), 'The model responded.', 'a message without an error is not an error')
  t.equal(words(200, '{"label":"worn","fault":{"probability":0.9},"detail":{"a":1}}'), 'The model responded.')
})

t.test('a recent promotion of the configuration is mentioned if the gateway rejects the call', async (t) => {
  const promoted = { ...model, gateway_ready_at: '2026-01-01T00:05:00Z' }
  const reported = (status: number, text: string) => explainResponse({ status, text, headers: {} }, promoted, refusals)
  t.match(reported(401, 'No key'), 'promoted recently')
  t.match(reported(404, 'other'), 'promoted recently')
  t.notMatch(reported(500, 'other'), 'promoted recently')
})

t.test('a test call shows the reply of the model in every response format', async (t) => {
  const said = (text: string, type = 'application/json') => modelOutput({ text, headers: { 'content-type': type } })
  t.equal(said('{"choices":[{"message":{"content":[{"type":"text","text":"Hi"}]}}]}'), 'Hi')
  t.equal(
    said('{"choices":[{"message":{"content":"","reasoning":"Hm"},"finish_reason":"length"}]}').slice(0, 43),
    'The model returned no answer (length). The ',
  )
  t.equal(said('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n', 'text/event-stream'), 'Hi')
  t.equal(said('{"message":{"content":"Hi"},"done":true}\n', 'application/x-ndjson'), 'Hi')
  t.equal(said('[{"generated_text":"Hi"}]'), 'Hi')
  t.equal(said('{"data":[{"embedding":[1]}]}'), '{"data":[{"embedding":[1]}]}')
  for (const own of [
    '{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}',
    '{"created":1,"data":[{"url":"https://images.example.com/1"}],"usage":{"input_tokens":3,"output_tokens":4}}',
    '{"data":[{"label":"a","probs":[1]}],"usage":{"prompt_tokens":3}}',
  ])
    t.equal(said(own), own, 'token counts alone do not identify a text response')
  t.equal(said('{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}'), 'Hi')
  t.equal(said('{"choices":[{"message":{"content":"Hm.\\n</think>\\n\\nHi"}}]}'), 'Hi')
  t.equal(said('', ''), '')
  t.equal(said('GIF', 'image/gif'), 'image/gif response')
  t.equal(said('x'.repeat(900_000), 'text/plain').length, 600)
})

t.test('an error with a success status is not a reply, in every response format', async (t) => {
  const answered = (status: number, text: string, type = 'application/json') =>
    isModelResponse({ status, text, headers: { 'content-type': type } })
  const token = 'data: {"token":{"text":"Hi","special":false},"generated_text":null}\n\n'
  const failed = 'data: {"error":"Model is overloaded","error_type":"overloaded"}\n\n'
  const events = 'text/event-stream'
  t.ok(answered(200, token, events))
  for (const [text, type] of [
    [failed, events],
    [token + failed, events],
    ['event: error\ndata: {"message":"Model is overloaded"}\n\n', events],
    ['{"response":"Hi"}\n{"error":"Model is overloaded"}\n', 'application/x-ndjson'],
  ] as const) {
    t.notOk(answered(200, text, type), text)
    t.equal(
      words(200, text, { 'content-type': type }),
      'The model server responded with an error. The model server reports: “Model is overloaded”',
    )
  }
  t.ok(answered(201, '{"choices":[]}'))
  t.ok(answered(200, 'RIFF'))
  t.notOk(answered(200, error('no room')))
  t.notOk(answered(429, ''))
})
