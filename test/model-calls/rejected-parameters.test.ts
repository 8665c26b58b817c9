import t from 'tap'
import {
  applyChanges,
  changeNotice,
  findChanges,
  type ParameterChange,
  parameterAdvice,
} from '../../src/model-calls/rejected-parameters.js'

const body = {
  model: 'm',
  messages: [],
  max_tokens: 5,
  temperature: 1,
  stream: true,
  stream_options: { include_usage: true },
}
const detail = (msg: string, ...loc: string[]) =>
  JSON.stringify({ detail: [{ loc: ['body', ...loc], msg, input: body }] })
const error = (message: string) => JSON.stringify({ error: { message } })

const named = (message: string, param: string, code?: string) => JSON.stringify({ error: { message, param, code } })

const refused: [name: string, status: number, text: string, changes: ParameterChange[]][] = [
  [
    'a field that is not permitted',
    422,
    detail('Extra inputs are not permitted', 'stream_options'),
    ['no_stream_options'],
  ],
  ['the older form of it', 422, detail('extra fields not permitted', 'stream_options'), ['no_stream_options']],
  [
    'an argument that is not known',
    400,
    error('Unrecognized request argument supplied: stream_options'),
    ['no_stream_options'],
  ],
  ['its member', 400, error('include_usage is not supported'), ['no_stream_options']],
  [
    'a server error that names it',
    500,
    error("got an unexpected keyword argument 'stream_options'"),
    ['no_stream_options'],
  ],
  ['no words', 422, '', ['no_stream_options']],
  ['an empty object', 400, '{}', ['no_stream_options']],
  ['a general word', 400, 'Bad Request', ['no_stream_options']],
  ['some field that is not named', 400, error('Additional properties are not allowed'), ['no_stream_options']],
  ['some input of 422', 422, error('Extra inputs are not permitted for this model'), ['no_stream_options']],
  ['a stream', 400, error('Streaming is not supported for this model'), ['no_stream']],
  ['a stream as a field', 422, detail('Extra inputs are not permitted', 'stream'), ['no_stream']],
  ['a stream that is not implemented', 501, error('stream is not implemented'), ['no_stream']],
  [
    'the other name of max_tokens',
    400,
    error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    ['max_completion_tokens'],
  ],
  ['the other name alone', 400, error('use max_completion_tokens'), ['max_completion_tokens']],
  ['max_tokens without the other name', 400, error("Unsupported parameter: 'max_tokens'"), ['max_completion_tokens']],
  [
    'both',
    422,
    error('unknown fields: stream_options; use max_completion_tokens'),
    ['max_completion_tokens', 'no_stream_options'],
  ],
  ['a parameter beside the message', 400, named('Invalid parameter', 'stream_options'), ['no_stream_options']],
  [
    'a stream that is refused beside the message',
    400,
    named('Your organization must be verified to stream this model.', 'stream', 'unsupported_value'),
    ['no_stream'],
  ],
  [
    'max_tokens beside the message',
    400,
    named('Unsupported parameter', 'max_tokens', 'unsupported_parameter'),
    ['max_completion_tokens'],
  ],
  ['another parameter beside the message', 422, named('Invalid value', 'messages'), []],
  ['a value beside the message', 400, named('Invalid value', 'max_tokens', 'invalid_value'), []],
  ['the page of a proxy', 400, '<html><title>400 Bad Request</title></html>', ['no_stream_options']],
  ['JSON that is not read', 422, 'Failed to deserialize the JSON body into the target type', ['no_stream_options']],
  [
    'JSON that is not read for another reason',
    422,
    'Failed to deserialize the JSON body into the target type: messages[0]: missing field `content`',
    [],
  ],
  ['a value that is too large', 400, error('max_tokens is too large: 5. This model supports at most 4.'), []],
  ['the context', 400, error("This model's maximum context length is 4096 tokens"), []],
  ['another field', 422, detail('field required', 'messages'), []],
  ['a field that was filled in', 400, error("Unsupported value: 'temperature' does not support 0.2"), []],
  ['a list of such fields', 422, detail('Extra inputs are not permitted', 'temperature'), []],
  ['the model', 400, error('Invalid model "m"'), []],
  ['a key', 401, error('stream_options'), []],
  ['a limit', 429, error('stream_options is not supported'), []],
  ['an outage', 503, error('stream_options is not supported'), []],
  ['a server error without names', 500, 'Internal Server Error', []],
]
for (const [name, status, text, changes] of refused)
  t.test(`a rejected parameter is omitted, and nothing else: ${name}`, async (t) => {
    t.same(findChanges(body, { status, text }), changes)
    for (const change of changes) {
      t.same(findChanges(applyChanges(body, [change]), { status, text }).includes(change), false, 'only once')
      t.match(changeNotice(change), /was sent again with/)
    }
  })

t.test('a parameter that was not sent is not reported as rejected', async (t) => {
  const bare = { messages: [] }
  for (const [, status, text] of refused) t.same(findChanges(bare, { status, text }), [])
})

t.test('a stream to which the gateway adds the omitted parameter is not streamed', async (t) => {
  const { stream_options: _, ...left } = body
  const refusal = { status: 422, text: detail('Extra inputs are not permitted', 'stream_options', 'include_usage') }
  t.same(findChanges(left, refusal), ['no_stream_for_gateway'])
  const complete = applyChanges(body, ['no_stream_options', 'no_stream_for_gateway'])
  t.same(Object.keys(complete), ['model', 'messages', 'max_tokens', 'temperature'])
  t.same(findChanges(complete, refusal), [], 'nothing else is omitted')
  t.match(changeNotice('no_stream_for_gateway'), /the gateway adds/)
})

t.test('changes preserve the rest of the body', async (t) => {
  const { stream_options: _, ...without } = body
  t.same(applyChanges(body, ['no_stream_options']), without)
  t.notOk('stream' in applyChanges(body, ['no_stream']))
  t.match(applyChanges(body, ['max_completion_tokens']), { max_completion_tokens: 5, temperature: 1 })
  t.notOk('max_tokens' in applyChanges(body, ['max_completion_tokens']))
  t.same(applyChanges({ messages: [] }, ['max_completion_tokens', 'no_stream']), { messages: [] })
  t.ok('max_tokens' in body, 'a copy')
})

t.test('a parameter that the user entered is named and not omitted', async (t) => {
  const advice = (text: string, status = 400) => parameterAdvice(body, { status, text })
  t.equal(
    advice(error("'temperature' does not support 0.2")),
    'Change or clear temperature, then send the request again.',
  )
  t.equal(
    advice(detail('Input should be less than 1', 'temperature'), 422),
    'Change or clear temperature, then send the request again.',
  )
  t.match(advice(error('temperature and max_tokens are too large')), 'temperature and max_tokens')
  t.equal(advice(error('top_p is not supported')), '', 'it was not sent')
  t.equal(advice(error('the context is too long')), '')
  t.equal(advice(error('temperature'), 500), '')
})
