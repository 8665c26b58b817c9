import fc from 'fast-check'
import t from 'tap'
import { errorTextIn, errorTextOf } from '../../../src/clients/gateway/error-text.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../helper/event-loop.js'

const said: [name: string, text: string, words: string, type?: string][] = [
  [
    'OpenAI, vLLM',
    '{"error":{"message":"maximum context length is 4096","type":"BadRequestError","param":null,"code":400}}',
    'maximum context length is 4096',
  ],
  [
    'vLLM before 0.10',
    '{"object":"error","message":"engine died","type":"InternalServerError","code":500}',
    'engine died',
  ],
  ['FastAPI', '{"detail":"Not Found"}', 'Not Found'],
  [
    'FastAPI, fields',
    '{"detail":[{"loc":["body","max_tokens"],"msg":"field required","type":"missing"},{"loc":["body","messages",0],"msg":"too short"}]}',
    'body.max_tokens: field required; body.messages.0: too short',
  ],
  ['TGI', '{"error":"Model is overloaded","error_type":"overloaded"}', 'Model is overloaded'],
  ['Ollama', '{"error":"model \\"x\\" not found, try pulling it first"}', 'model "x" not found, try pulling it first'],
  ['llama.cpp', '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', 'Loading model'],
  [
    'Mistral',
    '{"object":"error","message":{"detail":[{"type":"less_than","loc":["body","temperature"],"msg":"Input should be less than 1.5"}]},"type":"invalid_request_error"}',
    'body.temperature: Input should be less than 1.5',
  ],
  [
    'Azure',
    '{"statusCode":429,"message":"Rate limit is exceeded. Try again in 1 seconds."}',
    'Rate limit is exceeded. Try again in 1 seconds.',
  ],
  [
    'OpenRouter',
    '{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\\"error\\":\\"bad\\"}","provider_name":"x"}}}',
    'Provider returned error: {"error":"bad"}',
  ],
  ['Google', '[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]', 'API key not valid'],
  ['gRPC', '{"code":5,"message":"model not loaded","details":[]}', 'model not loaded'],
  ['OAuth', '{"error":"invalid_token","error_description":"The token expired"}', 'invalid_token: The token expired'],
  [
    'Spring',
    '{"timestamp":"2026-01-01","status":400,"error":"Bad Request","message":"no model","path":"/v1"}',
    'Bad Request: no model',
  ],
  [
    'JSON:API',
    '{"errors":[{"status":"422","title":"Invalid","detail":"no messages"},"second"]}',
    'Invalid: no messages; second',
  ],
  [
    'errors by field',
    '{"errors":{"max_tokens":["must be a number"],"n":["is too large","is odd"]}}',
    'max_tokens: must be a number; n: is too large; is odd',
  ],
  [
    'Apigee',
    '{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}',
    'Invalid ApiKey',
  ],
  [
    'RFC 9457',
    '{"type":"about:blank","title":"Too long","status":400,"detail":"4097 of 4096 tokens"}',
    'Too long: 4097 of 4096 tokens',
    'application/problem+json',
  ],
  ['RFC 9457, title alone', '{"type":"about:blank","title":"Too long","status":400}', 'Too long'],
  ['a list of messages', '["one","two"]', 'one; two'],
  ['a text of JSON', '"too long"', 'too long'],
  ['a byte order mark', '\ufeff{"error":"x"}', 'x'],
  ['plain text', 'no healthy upstream', 'no healthy upstream', 'text/plain'],
  ['plain text without a type', 'upstream connect error\nor disconnect', 'upstream connect error or disconnect'],
  [
    'a web page',
    '<html>\r\n<head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>',
    '502 Bad Gateway',
    'text/html',
  ],
  [
    'a web page with a heading only',
    '<body class="x"><h1 id="a">Application is not available</h1>',
    'Application is not available',
  ],
  [
    'a web page of Express',
    '<html><head><title>Error</title></head><body><pre>Cannot POST /v1</pre></body>',
    'Cannot POST /v1',
  ],
  ['a web page without words', '<html><body><div></div></body></html>', ''],
  [
    'XML',
    '<?xml version="1.0"?><Error><Code>X</Code><Message>No such bucket</Message></Error>',
    'No such bucket',
    'application/xml',
  ],
  ['an event of an error', 'event: error\ndata: {"message":"Overloaded"}\n\n', 'Overloaded', 'text/event-stream'],
  ['an event with text', 'data: error: out of memory\n\ndata: [DONE]\n\n', 'error: out of memory'],
  ['events without words', 'data: [DONE]\n\n', ''],
  ['JSON that is cut', '{"error":{"message":"too \\"long\\"","type":"x', 'too "long"', 'application/json'],
  ['JSON without words', '{"code":1,"ok":false}', ''],
  ['nothing', ' \n', ''],
  ['bytes', 'PNG\u0000\u0001', '', 'image/png'],
  ['control characters and marks of direction', 'a\u0000b\u001b[31mc\u202ed\u2028e', 'a b [31mc d e', 'text/plain'],
]
for (const [name, text, words, type] of said)
  t.test(`the error message of a server is extracted: ${name}`, async (t) => t.equal(errorTextOf(text, type), words))

t.test('an error message is one line of limited length and is not cut within a character', async (t) => {
  t.equal(errorTextOf('x'.repeat(5000)), `${'x'.repeat(600)}…`)
  t.equal(errorTextOf(JSON.stringify({ error: '"'.repeat(400_000) })).length, 601)
  t.ok(errorTextOf(`x${'😀'.repeat(900)}`).isWellFormed())
  t.equal(errorTextIn({ errors: Array(1000).fill({ message: 'same' }) }), 'same')
  t.equal(errorTextIn(Array.from({ length: 50 }, (_, index) => `e${index}`)), 'e0; e1; e2; e3; e4')
})

t.test('any response text yields a message that a page can show, within a time limit', async (t) => {
  const hostile = [
    `{"error":${'['.repeat(300_000)}`,
    '"message":"'.repeat(90_000),
    `{"message":"${'\\\\'.repeat(400_000)}`,
    '<title'.repeat(150_000),
    `data: ${'x'.repeat(900_000)}`,
    'data:\n'.repeat(150_000),
    `{${'"a":{'.repeat(60)}`,
  ]
  for (const text of hostile) {
    const { value, blockedMs } = await strainHere(() => errorTextOf(text, 'application/json'))
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${text.slice(0, 20)}: ${Math.round(blockedMs)} ms`)
    t.ok(value.length <= 601)
  }
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const words = errorTextOf(JSON.stringify({ error: value, detail: value }), 'application/json')
      return words.length <= 601 && words.isWellFormed() && !/[\n\r\u2028]/.test(words)
    }),
  )
})
