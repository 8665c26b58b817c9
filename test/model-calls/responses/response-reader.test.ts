import fc from 'fast-check'
import t from 'tap'
import { createResponseReader, type ResponseEvent } from '../../../src/model-calls/responses/response-reader.js'
import { character } from '../../helper/character.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../helper/event-loop.js'

const SSE = 'text/event-stream'

interface Heard {
  text: string
  reasoning: string
  usage?: object
  finish?: string
  notice: string
  failure?: string
}

/** The events of a response that is split at these positions. */
function announced(text: string, type = SSE, cuts: number[] = []): Heard {
  const bytes = Buffer.from(text)
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
  const reader = createResponseReader(type)
  const events: ResponseEvent[] = []
  for (const [index, end] of places.slice(1).entries())
    for (const some of reader.read(bytes.subarray(places[index], end))) events.push(...some)
  events.push(...reader.end())
  const last = events.at(-1)
  if (last?.kind !== 'finish' && last?.kind !== 'failure') throw new Error(`no end: ${text.slice(0, 60)}`)
  const found: Heard = { text: '', reasoning: '', notice: '' }
  for (const event of events) {
    if (event.kind === 'delta') {
      found.text += event.text
      found.reasoning += event.reasoning
    } else if (event.kind === 'reclassify') {
      found.reasoning += found.text
      found.text = ''
    } else if (event.kind === 'usage') found.usage = event.usage
    else if (event.kind === 'finish') Object.assign(found, { finish: event.reason, notice: event.message })
    else if (event.kind === 'failure') found.failure = event.message
  }
  return found
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const delta = (delta: object, more: object = {}) => event({ choices: [{ index: 0, delta, ...more }] })
const content = (text: unknown) => delta({ content: text })
const ends = (finish_reason: string) => delta({}, { finish_reason })
const done = 'data: [DONE]\n\n'
const lines = (...values: unknown[]) => `${values.map((value) => JSON.stringify(value)).join('\n')}\n`
const json = 'application/json'
const four = { text: '4.', reasoning: 'Let me think.' }
const both = { text: 'Hello there', reasoning: '' }

type Case = [name: string, text: string, expected: Partial<Heard>, type?: string]

const cases: Case[] = [
  // Server-sent events.
  [
    'separators of lines in Unicode',
    content('before\u2028after') + content('\u2029'),
    { text: 'before\u2028after\u2029' },
  ],
  ['CR alone', (content('Hello') + content(' there') + done).replaceAll('\n', '\r'), both],
  ['CRLF', (content('Hello') + content(' there') + done).replaceAll('\n', '\r\n'), both],
  ['a byte order mark', `\ufeff${content('Hello')}${content(' there')}`, both],
  ['no empty line at the end', (content('Hello') + content(' there')).trimEnd(), both],
  ['an end within the line end', (content('Hello') + content(' there')).slice(0, -1).replaceAll('\n', '\r\n'), both],
  ['no space after the colon', (content('Hello') + content(' there')).replaceAll('data: ', 'data:'), both],
  ['data on several lines', 'data: {"choices":[{"delta":\ndata: {"content":"Hello there"}}]}\n\n', both],
  [
    'comments, ids, names and retry times',
    `: OPENROUTER PROCESSING\n\nretry: 5\nid: 1\nevent: message\n${content('Hello')}event: ping\ndata: {"type":"ping"}\n\n${content(' there')}`,
    both,
  ],
  ['characters of several bytes', content('é👩‍👩‍👧 — 你好'), { text: 'é👩‍👩‍👧 — 你好' }],
  ['[DONE] ends it, whatever follows', content('Hello there') + done + content('no') + done, both],
  ['another type than its own', content('Hello') + content(' there') + done, both, 'text/plain; charset=utf-8'],
  ['no type', `\n${content('Hello')}${content(' there')}`, both, ''],
  // Reasoning.
  ['reasoning', delta({ reasoning: 'Let me' }) + delta({ reasoning: ' think.' }) + content('4.'), four],
  ['reasoning_content', delta({ reasoning_content: 'Let me think.' }) + content('4.'), four],
  [
    'reasoning under two names',
    delta({ reasoning_content: 'Let me think.', reasoning: 'Let me think.', content: null }) + content('4.'),
    four,
  ],
  ['an empty content beside it', delta({ content: '', reasoning: 'Let me think.' }) + content('4.'), four],
  [
    'reasoning_details',
    delta({ reasoning_details: [{ type: 'reasoning.text', text: 'Let me think.' }] }) + content('4.'),
    four,
  ],
  [
    'reasoning_details that are encrypted or a summary',
    delta({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }] }) +
      delta({ reasoning_details: [{ type: 'reasoning.summary', summary: 'Let me think.' }] }) +
      content('4.'),
    four,
  ],
  [
    'thinking_blocks',
    delta({ thinking_blocks: [{ type: 'thinking', thinking: 'Let me think.', signature: 's' }] }) + content('4.'),
    four,
  ],
  [
    'parts of a list',
    content([{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me think.' }] }]) +
      content([{ type: 'text', text: '4' }, { type: 'reference', reference_ids: [1] }, '.']),
    four,
  ],
  ['marks in the text', ['<th', 'ink>\nLet me ', 'think.</thi', 'nk>\n\n', '4.'].map(content).join(''), four],
  ['other marks', content('[THINK]Let me think.[/THINK]4.'), four],
  ['marks with other letters that follow', content('<thinking>Let me think.</thinking>4.'), four],
  ['a mark that is none', content('<th') + content('e end>'), { text: '<the end>', reasoning: '' }],
  ['a mark later in the text', content('Use <think>x</think>'), { text: 'Use <think>x</think>', reasoning: '' }],
  ['marks that are not closed', content('<think>Let me think.</th'), { text: '', reasoning: 'Let me think.</th' }],
  ['an answer of the beginning of a mark', content('<'), { text: '<', reasoning: '' }],
  ['marks of other models', content('<seed:think>Let me think.</seed:think>4.'), four],
  ['marks that are no letters', content('◁think▷Let me think.◁/think▷4.'), four],
  [
    'the closing mark alone',
    content('Let me think.\n') + content('</think>\n\n') + content('4.'),
    { ...four, reasoning: 'Let me think.\n' },
  ],
  [
    'the closing mark alone, in pieces',
    ['Let me think.', '\n</th', 'ink', '> ', '\n4.'].map(content).join(''),
    { ...four, reasoning: 'Let me think.\n' },
  ],
  ['the closing mark at the beginning', content('</think>\n\n4.'), { text: '4.', reasoning: '' }],
  [
    'the closing mark at the end',
    content('Let me think.\n</think>\n') + ends('stop'),
    { text: '', reasoning: 'Let me think.\n', notice: /only reasoning/ as never },
  ],
  [
    'the closing mark within a line',
    content('Write </think>\nto close it.'),
    { text: 'Write </think>\nto close it.', reasoning: '' },
  ],
  [
    'the closing mark before other text',
    content('Write\n</think> to close it.'),
    { text: 'Write\n</think> to close it.', reasoning: '' },
  ],
  [
    'both marks in the text',
    content('Use\n<think>\n</think>\nfor it.'),
    { text: 'Use\n<think>\n</think>\nfor it.', reasoning: '' },
  ],
  // APIs with other field names.
  [
    'events of the Responses API',
    event({ type: 'response.created', response: { object: 'response', status: 'in_progress', output: [] } }) +
      event({ type: 'response.reasoning_summary_text.delta', delta: 'Let me think.' }) +
      event({ type: 'response.output_text.delta', delta: '4' }) +
      event({ type: 'response.output_text.delta', delta: '.' }) +
      event({ type: 'response.output_text.done', text: '4.' }) +
      event({
        type: 'response.completed',
        response: {
          status: 'completed',
          output: [{ type: 'message', content: [{ type: 'output_text', text: '4.' }] }],
          usage: { input_tokens: 5, output_tokens: 7, output_tokens_details: { reasoning_tokens: 4 } },
        },
      }),
    { ...four, finish: 'stop', usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: 4 } },
  ],
  [
    'the Responses API in one piece',
    JSON.stringify({
      object: 'response',
      status: 'incomplete',
      error: null,
      incomplete_details: { reason: 'max_output_tokens' },
      output: [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Let me think.' }] },
        { type: 'message', content: [{ type: 'output_text', text: '4.' }] },
      ],
    }),
    { ...four, finish: 'length' },
    json,
  ],
  [
    'a tool call of the Responses API',
    '{"object":"response","status":"completed","output":[{"type":"function_call","name":"f"}]}',
    { notice: /requested a tool call/ as never },
    json,
  ],
  [
    'a failure of the Responses API',
    event({ type: 'response.failed', response: { status: 'failed', error: { message: 'out of memory' } } }),
    { failure: 'The model server reported an error: “out of memory”' },
  ],
  [
    'events of the Messages API',
    event({
      type: 'message_start',
      message: { role: 'assistant', content: [], usage: { input_tokens: 5, output_tokens: 1 } },
    }) +
      event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } }) +
      event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Let me think.' } }) +
      event({ type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } }) +
      event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: '4.' } }) +
      event({ type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 7 } }) +
      event({ type: 'message_stop' }),
    { ...four, finish: 'length', usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: null } },
  ],
  [
    'a tool call of the Messages API',
    event({ type: 'content_block_start', index: 0, content_block: { type: 'tool_use', name: 'f', input: {} } }),
    { notice: /requested a tool call/ as never },
  ],
  [
    'the Messages API in one piece',
    '{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"Let me think."},{"type":"text","text":"4."}],"stop_reason":"refusal"}',
    { ...four, finish: 'content_filter' },
    json,
  ],
  [
    'events of Cohere',
    event({ type: 'message-start', delta: { message: { role: 'assistant', content: [] } } }) +
      event({ type: 'content-delta', index: 0, delta: { message: { content: { thinking: 'Let me think.' } } } }) +
      event({ type: 'content-delta', index: 1, delta: { message: { content: { text: '4.' } } } }) +
      event({
        type: 'message-end',
        delta: {
          finish_reason: 'COMPLETE',
          usage: { billed_units: { input_tokens: 1 }, tokens: { input_tokens: 5, output_tokens: 7 } },
        },
      }),
    { ...four, finish: 'stop', usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: null } },
  ],
  [
    'lines of an earlier release of Cohere',
    lines(
      { event_type: 'stream-start' },
      { event_type: 'text-generation', text: 'Hello' },
      { event_type: 'text-generation', text: ' there' },
      { event_type: 'stream-end', response: { text: 'Hello there' }, finish_reason: 'MAX_TOKENS' },
    ),
    { ...both, finish: 'length' },
    'application/stream+json',
  ],
  [
    'Cohere in one piece',
    '{"message":{"role":"assistant","content":[{"type":"text","text":"Hello there"}]},"finish_reason":"MAX_TOKENS"}',
    { ...both, finish: 'length' },
    json,
  ],
  [
    'a tool call of Cohere',
    event({ type: 'tool-call-start', delta: {} }),
    { notice: /requested a tool call/ as never },
  ],
  [
    'events of Gemini',
    event({ candidates: [{ content: { parts: [{ text: 'Let me think.', thought: true }] } }] }) +
      event({
        candidates: [{ content: { parts: [{ text: '4.' }] }, finishReason: 'MAX_TOKENS' }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 7, thoughtsTokenCount: 4 },
      }),
    { ...four, finish: 'length', usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: 4 } },
  ],
  [
    'a list of Gemini',
    JSON.stringify([
      { candidates: [{ content: { parts: [{ text: 'Hello' }] } }] },
      null,
      {
        candidates: [{ content: { parts: [{ text: ' there' }] }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 5 },
      },
    ]),
    { ...both, finish: 'stop', usage: { prompt_tokens: 5, completion_tokens: null, reasoning_tokens: null } },
    json,
  ],
  [
    'a prompt that Gemini blocks',
    '{"promptFeedback":{"blockReason":"SAFETY"}}',
    { finish: 'content_filter', notice: /content filter/ as never },
    json,
  ],
  [
    'Converse of Bedrock',
    JSON.stringify({
      output: {
        message: {
          role: 'assistant',
          content: [{ reasoningContent: { reasoningText: { text: 'Let me think.' } } }, { text: '4.' }],
        },
      },
      stopReason: 'guardrail_intervened',
      usage: { inputTokens: 5, outputTokens: 7 },
    }),
    { ...four, finish: 'content_filter', usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: null } },
    json,
  ],
  [
    'a stream that is binary',
    '\u0000\u0000',
    { failure: 'The endpoint returned application/vnd.amazon.eventstream, which cannot be shown here.' },
    'application/vnd.amazon.eventstream',
  ],
  // Several choices.
  [
    'several answers to one request',
    delta({ content: 'Hello' }) +
      event({ choices: [{ index: 1, delta: { content: 'no' }, finish_reason: 'length' }] }) +
      event({
        choices: [
          { index: 1, delta: { content: 'no' } },
          { index: 0, delta: { content: ' there' } },
        ],
      }),
    { ...both, finish: '' },
  ],
  [
    'answers that are counted from another number',
    event({ choices: [{ index: 1, delta: { content: 'Hello there' } }] }),
    both,
  ],
  // Response formats.
  ['the transcript of an answer as sound', delta({ audio: { data: 'x', transcript: 'Hello there' } }), both],
  [
    'results of watsonx.ai as a stream',
    event({ results: [{ generated_text: 'Hello', stop_reason: 'not_finished' }] }) +
      event({ results: [{ generated_text: ' there', stop_reason: 'eos_token' }] }),
    { ...both, finish: 'stop' },
  ],
  ['counts alone', '{"usage":{"prompt_tokens":5}}', { failure: /not supported/ as never }, json],
  ['comments alone', ': ping\n\n: ping\n\n', { failure: 'The model server sent an empty answer.' }],
  ['completions', event({ choices: [{ text: 'Hello' }] }) + event({ choices: [{ text: ' there' }] }), both],
  ['a refusal', delta({ refusal: 'I cannot help.' }), { text: 'I cannot help.' }],
  [
    'a first event without choices',
    event({ choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }) +
      delta({ content: 'Hello there' }, { content_filter_results: { hate: { filtered: false } } }),
    both,
  ],
  [
    'what was said so far, repeated',
    event({ choices: [{ delta: { content: 'Hello there' }, message: { content: 'Hello there' } }] }),
    both,
  ],
  [
    'generate_stream of TGI',
    event({ index: 1, token: { id: 1, text: 'Hello', special: false }, generated_text: null }) +
      event({ index: 2, token: { id: 2, text: ' there', special: false }, generated_text: null }) +
      event({
        index: 3,
        token: { id: 3, text: '</s>', special: true },
        generated_text: 'Hello there',
        details: { finish_reason: 'length', generated_tokens: 3 },
      }),
    { ...both, finish: 'length', usage: { prompt_tokens: null, completion_tokens: 3, reasoning_tokens: null } },
  ],
  ['one answer of TGI', '[{"generated_text":"Hello there"}]', both, json],
  [
    'chat of Ollama',
    lines(
      { message: { role: 'assistant', content: '', thinking: 'Let me think.' }, done: false },
      { message: { role: 'assistant', content: '4.' }, done: false },
      { message: { content: '' }, done: true, done_reason: 'length', prompt_eval_count: 5, eval_count: 7 },
    ),
    { ...four, finish: 'length', usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: null } },
    'application/x-ndjson',
  ],
  [
    'generate of Ollama',
    lines({ response: 'Hello', done: false }, { response: ' there', done: true }).trimEnd(),
    both,
    'application/x-ndjson',
  ],
  ['lines of JSON as a stream of events', lines({ response: 'Hello' }, { response: ' there' }), both],
  [
    'completion of llama.cpp',
    event({ content: 'Hello', stop: false }) +
      event({ content: ' there', stop: true, stop_type: 'limit', tokens_predicted: 2 }),
    { ...both, finish: 'length' },
  ],
  [
    'generate of SGLang',
    event({ text: 'Hello', meta_info: { finish_reason: null } }) +
      event({ text: 'Hello there', meta_info: { finish_reason: { type: 'stop' } } }),
    both,
  ],
  ['generate_stream of Triton', event({ text_output: 'Hello' }) + event({ text_output: ' there' }), both],
  ['predictions of KServe', '{"predictions":["Hello there"]}', both, json],
  ['outputs of KServe', '{"outputs":[{"name":"text","datatype":"BYTES","data":["Hello there"]}]}', both, json],
  [
    'results of watsonx.ai',
    '{"results":[{"generated_text":"Hello there","stop_reason":"max_tokens"}]}',
    { ...both, finish: 'length' },
    json,
  ],
  [
    'timings of llama.cpp',
    content('x') + event({ choices: [], timings: { prompt_n: 5, predicted_n: 7 } }),
    { usage: { prompt_tokens: null, completion_tokens: 7, reasoning_tokens: null } },
  ],
  // Without a stream.
  [
    'JSON in place of a stream',
    '{"choices":[{"message":{"role":"assistant","content":"Hello there"},"finish_reason":"stop"}]}',
    { ...both, finish: 'stop' },
    json,
  ],
  ['JSON by its look', '\n {"choices":[{"message":{"content":"Hello there"}}]}', both],
  [
    'JSON on several lines',
    JSON.stringify({ choices: [{ message: { content: 'Hello there' } }] }, null, 2),
    both,
    json,
  ],
  ['JSON with reasoning', '{"choices":[{"message":{"content":"4.","reasoning_content":"Let me think."}}]}', four, json],
  ['JSON with marks', '{"choices":[{"message":{"content":"<think>Let me think.</think>\\n4."}}]}', four, json],
  ['plain text', 'Hello there', both, 'text/plain'],
  ['an empty answer', '', { failure: 'The model server sent an empty answer.' }],
  ['an empty answer without a type', '', { failure: 'The model server sent an empty answer.' }, ''],
  [
    'a web page',
    '<!doctype html><html><head><title>Sign in</title></head></html>',
    { failure: 'The endpoint returned a web page instead of a model response. The page reports: “Sign in”' },
    'text/html',
  ],
  [
    'a web page of another type',
    '<html><h1>Application is not available</h1></html>',
    {
      failure:
        'The endpoint returned a web page instead of a model response. The page reports: “Application is not available”',
    },
  ],
  ['a picture', 'PNG', { failure: 'The endpoint returned image/png, which cannot be shown here.' }, 'image/png'],
  ['JSON of something else', '{"a":1}', { failure: 'The format of the answer is not supported.' }, json],
  [
    'events of something else',
    'data: Hello\n\ndata: there\n\n',
    { failure: 'The format of the answer is not supported. The model server reports: “Hello there”' },
  ],
  [
    'JSON that is cut',
    '{"choices":[{"message":{"content":"Hel',
    { failure: 'The format of the answer is not supported.' },
    json,
  ],
  ['JSON that is deep', `{"choices":${'['.repeat(200)}`, { failure: /too deeply nested/ as never }, json],
  // Errors.
  [
    'an error without data',
    '{"error": {"code": 400, "message": "too long"}}',
    { failure: 'The model server reported an error: “too long”' },
  ],
  [
    'the same on several lines',
    JSON.stringify({ error: { message: 'too long' } }, null, 2),
    { failure: 'The model server reported an error: “too long”' },
  ],
  [
    'the same after events',
    `${content('Hel')}{"error": {"message": "too long"}}\n`,
    { text: 'Hel', failure: 'The model server reported an error: “too long”' },
  ],
  [
    'the same after events, on several lines',
    content('Hel') + JSON.stringify({ error: { message: 'too long' } }, null, 2),
    { text: 'Hel', failure: 'The model server reported an error: “too long”' },
  ],
  [
    'an error as text',
    `${content('Hel')}data: error: out of memory\n\n`,
    { text: 'Hel', failure: 'The model server reported an error: “error: out of memory”' },
  ],
  [
    'the exception of a program',
    `${content('Hel')}data: torch.OutOfMemoryError: CUDA\n\n`,
    { failure: 'The model server reported an error: “torch.OutOfMemoryError: CUDA”' },
  ],
  [
    'plain text of an error',
    'Internal Server Error',
    { failure: 'The model server reported an error: “Internal Server Error”' },
    'text/plain',
  ],
  [
    'an error as a text member',
    content('Hel') + event({ error: 'too many tokens', error_type: 'validation' }),
    { text: 'Hel', failure: 'The model server reported an error: “too many tokens”' },
  ],
  [
    'an object of the kind error',
    event({ object: 'error', message: 'engine died', code: 500 }),
    { failure: 'The model server reported an error: “engine died”' },
  ],
  [
    'an event of that name',
    `${content('Hel')}event: error\ndata: {"message":"Overloaded"}\n\n`,
    { text: 'Hel', failure: 'The model server reported an error: “Overloaded”' },
  ],
  [
    'an event of that name with text',
    `${content('Hel')}event: error\ndata: no room\n\n`,
    { text: 'Hel', failure: 'The model server reported an error: “no room”' },
  ],
  [
    'an error within a choice',
    delta({ content: 'Hel' }) +
      delta({ content: '' }, { error: { code: 502, message: 'Provider disconnected' }, finish_reason: 'error' }),
    { text: 'Hel', failure: 'The model server reported an error: “Provider disconnected”' },
  ],
  [
    'an error in a line of JSON',
    lines({ response: 'Hel' }, { error: 'model runner stopped' }),
    { text: 'Hel', failure: 'The model server reported an error: “model runner stopped”' },
    'application/x-ndjson',
  ],
  [
    'an error with detail',
    '{"detail":[{"loc":["body","messages"],"msg":"field required"}]}',
    { failure: 'The model server reported an error: “body.messages: field required”' },
    json,
  ],
  ['an error without a message', event({ error: { code: 1 } }), { failure: 'The model server reported an error.' }],
  [
    'an error that is empty',
    '{"choices":[{"message":{"content":"Hello there"}}],"error":{"code":0,"message":""}}',
    both,
    json,
  ],
  [
    'a message with a status',
    '{"status":"error","message":"engine died"}',
    { failure: 'The model server reported an error: “engine died”' },
    json,
  ],
  [
    'a message that is no error',
    '{"message":"Hello"}',
    { failure: 'The format of the answer is not supported. The model server reports: “Hello”' },
    json,
  ],
  ['an error that is null', event({ choices: [{ delta: { content: 'Hello there' } }], error: null }), both],
  // Finish reasons.
  [
    'the content filter',
    ends('content_filter') + done,
    { finish: 'content_filter', notice: /^The model returned no answer \(content_filter\)\./ as never },
  ],
  [
    'tool calls alone',
    delta({ tool_calls: [{ index: 0, function: { name: 'f' } }] }) + ends('tool_calls'),
    { notice: /returned no answer \(tool_calls\)\. It requested a tool call/ as never },
  ],
  [
    'a tool call without a reason',
    delta({ tool_calls: [{}] }) + done,
    { finish: 'tool_calls', notice: /requested a tool call/ as never },
  ],
  [
    'reasoning up to the limit',
    delta({ reasoning: 'Let me think.' }) + ends('length'),
    {
      reasoning: 'Let me think.',
      notice: /returned no answer \(length\)\. The token limit was reached while the model was reasoning/ as never,
    },
  ],
  [
    'reasoning alone',
    delta({ reasoning: 'Let me think.' }) + ends('stop'),
    { notice: 'The model returned no answer (stop), only reasoning.' },
  ],
  ['the limit before any text', ends('length'), { notice: /before any text/ as never }],
  ['nothing said', ends('stop') + done, { notice: 'The model returned no answer (stop).' }],
  ['nothing at all', done, { finish: '', notice: 'The model returned no answer.' }],
  [
    'a text that was cut',
    content('Hello there') + ends('length'),
    { ...both, finish: 'length', notice: /cut off at the token limit/ as never },
  ],
  [
    'a text that was filtered',
    content('Hello there') + ends('content_filter'),
    { notice: /content filter of the model server ended/ as never },
  ],
  ['a text and a tool call', content('Hello there') + ends('tool_calls'), { notice: /requested a tool call/ as never }],
  [
    'a reason that is not known',
    content('Hello there') + ends('Insufficient <b>'),
    { finish: 'insufficient b', notice: 'The model server ended the answer (insufficient b).' },
  ],
  ['the usual end', content('Hello there') + ends('stop') + done, { ...both, finish: 'stop', notice: '' }],
  // Token counts.
  [
    'usage',
    content('x') + event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } }) + done,
    { usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: null } },
  ],
  [
    'usage in every event: the last counts',
    delta({ content: 'x' }, {}) +
      event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 1 } }) +
      event({
        choices: [],
        usage: { prompt_tokens: 5, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 4 } },
      }),
    { usage: { prompt_tokens: 5, completion_tokens: 9, reasoning_tokens: 4 } },
  ],
  [
    'usage in part',
    content('x') + event({ choices: [], usage: { completion_tokens: 7 } }),
    { usage: { prompt_tokens: null, completion_tokens: 7, reasoning_tokens: null } },
  ],
  [
    'usage in several events',
    event({ choices: [], usage: { prompt_tokens: 5 } }) +
      delta({ content: 'x' }) +
      event({ choices: [], usage: { completion_tokens: 7 } }),
    { usage: { prompt_tokens: 5, completion_tokens: 7, reasoning_tokens: null } },
  ],
  [
    'numbers as text',
    content('x') + event({ choices: [], usage: { prompt_tokens: '5', completion_tokens: '7.5' } }),
    { usage: { prompt_tokens: 5, completion_tokens: null, reasoning_tokens: null } },
  ],
  [
    'wrong numbers',
    content('x') + event({ choices: [], usage: { prompt_tokens: -1, completion_tokens: 1e300 } }),
    { usage: undefined as never },
  ],
  ['usage that is null', event({ choices: [{ delta: { content: 'Hello there' } }], usage: null }), both],
]

for (const [name, text, expected, type] of cases)
  t.test(`a response is read correctly wherever its bytes are split: ${name}`, async (t) => {
    const complete = announced(text, type)
    t.match(complete, expected, 'in one piece')
    if (!('failure' in expected)) t.equal(complete.failure, undefined)
    const cuts = Array.from({ length: Math.max(0, Buffer.byteLength(text) - 1) }, (_, index) => index + 1)
    const expectedText = JSON.stringify(complete)
    t.same(
      cuts.filter((cut) => JSON.stringify(announced(text, type, [cut])) !== expectedText),
      [],
      'split at any byte',
    )
    t.same(announced(text, type, cuts), complete, 'byte by byte')
  })

t.test('data after the end of a response is not read', async (t) => {
  const reader = createResponseReader(SSE)
  const first = [...reader.read(Buffer.from(content('Hello') + done))].flat()
  t.same(
    first.map(({ kind }) => kind),
    ['delta', 'finish'],
  )
  t.equal(reader.isOver, true)
  t.same([...reader.read(Buffer.from(content('no')))].flat(), [])
  t.same(reader.end(), [])
})

t.test('an event is emitted as soon as it is complete', async (t) => {
  const reader = createResponseReader(SSE)
  const kinds = [content('Hello').trimEnd(), '\n', '\n', content(' there')].map((piece) =>
    [...reader.read(Buffer.from(piece))].flat().map((event) => (event.kind === 'delta' ? event.text : event.kind)),
  )
  t.same(kinds, [[], [], ['Hello'], [' there']])
  const lined = createResponseReader('application/x-ndjson')
  const announced = ['{"response":"Hel"}\n{"resp', 'onse":"lo"}\n'].map(
    (piece) => [...lined.read(Buffer.from(piece))].flat().length,
  )
  t.same(announced, [1, 1], 'also lines of JSON')
})

t.test('a response of random bytes gives the same events however it is split, and nothing throws', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'data: ',
      '{"',
      '[',
      '<html>',
      '\r',
      '\n\n',
      'event: error\n',
      done,
      content('x'),
      'error: ',
      '\u2028',
      ': ',
    ),
    fc.string({ unit: character, maxLength: 10 }),
  )
  const types = fc.constantFrom(SSE, json, '', 'text/plain', 'application/x-ndjson', 'text/html')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), types, fc.array(fc.nat(200)), (pieces, type, cuts) => {
      const text = pieces.join('').toWellFormed()
      const length = Buffer.byteLength(text)
      const one = announced(text, type)
      const cut = announced(
        text,
        type,
        cuts.map((at) => Math.min(at, length)),
      )
      return JSON.stringify(one) === JSON.stringify(cut)
    }),
    { numRuns: 2000 },
  )
})

t.test('reading takes linear time and bounded memory', async (t) => {
  const answers: Record<string, [text: string, size: number, type?: string]> = {
    'white space before a mark': [`${content(' '.repeat(50)).repeat(10_000)}`, 65_536],
    'a mark that never closes': [content('<think>') + content('<'.repeat(50)).repeat(8000), 65_536],
    'JSON in small pieces': [`{"choices":[{"message":{"content":"${'x'.repeat(400_000)}"}}]}`, 10, json],
    'JSON of line ends': [`{${'\n'.repeat(900_000)}}`, 1000, json],
    'lines of JSON': [lines({ response: 'x' }).repeat(10_000), 65_536, 'application/x-ndjson'],
    'empty lines of JSON': [lines({ response: 'x' }) + '\n'.repeat(900_000), 65_536, 'application/x-ndjson'],
    'lines that are no events': [`data: x\n\n${'{\n'.repeat(300_000)}`, 65_536],
    'plain text': ['x '.repeat(400_000), 100, 'text/plain'],
  }
  for (const [name, [text, size, type = SSE]] of Object.entries(answers)) {
    const bytes = Buffer.from(text)
    const { blockedMs } = await strainHere(() => {
      const reader = createResponseReader(type)
      for (let at = 0; at < bytes.length && !reader.isOver; at += size)
        for (const events of reader.read(bytes.subarray(at, at + size))) void events
      reader.end()
    })
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: ${bytes.length} bytes in ${Math.round(blockedMs)} ms`)
  }
  const large = announced(`{"choices":"${'x'.repeat(1_100_000)}"}`, json)
  t.match(large.failure, /too large/)
})
