import { chunk, completion, DONE, json, type ModelServer, sse, usage } from './scripted-model-servers.js'

/** Services and proxies that can be the backend of a gateway. */

const rules: [string, string][] = [
  ['POST', '/v1/chat/completions'],
  ['GET', '/v1/models'],
]
const models = (id: string, more: object = {}) => ({
  path: '/v1/models',
  answer: { object: 'list', data: [{ id, object: 'model', created: 1_780_000_000, ...more }] },
})

export const mistral: ModelServer = {
  name: 'Mistral AI',
  sources: [
    'docs.mistral.ai, Reasoning and Chat completions (ContentChunk)',
    'github.com/dnakov/anon-kode issue 53 (422 to stream_options)',
    'github.com/partITech/php-mistral issue 76 (extra_forbidden)',
  ],
  type: 'chat',
  rules,
  models: models('magistral-small-2509', { owned_by: 'mistralai', max_context_length: 131_072 }),
  reasoning: ['content[].thinking'],
  refuses: ({ stream_options }) =>
    stream_options === undefined
      ? undefined
      : json(
          {
            object: 'error',
            message: {
              detail: [
                {
                  type: 'extra_forbidden',
                  loc: ['body', 'stream_options', 'include_usage'],
                  msg: 'Extra inputs are not permitted',
                  input: true,
                },
              ],
            },
            type: 'invalid_request_error',
            param: null,
            code: null,
          },
          422,
        ),
  scenes: [
    {
      asks: 'hello',
      // Usage is sent with the last choice.
      stream: sse([
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'The user ' }] }] }),
        chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'greets me.' }], closed: true }] }),
        chunk({ content: [{ type: 'text', text: 'Hello from ' }] }),
        chunk({ content: 'Mistral.' }),
        chunk({ content: '' }, { finish_reason: 'stop' }, { usage }),
        DONE,
      ]),
      whole: completion({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'The user greets me.' }] },
          { type: 'text', text: 'Hello from Mistral.' },
        ],
      }),
      shows: { text: 'Hello from Mistral.', reasoning: 'The user greets me.', tokens: /9 (tokens )?in, 5 out/ },
    },
    {
      asks: 'at capacity',
      stream: json(
        {
          object: 'error',
          message: 'Service tier capacity exceeded for this model.',
          type: 'service_tier_capacity_exceeded',
          param: null,
          code: '3505',
        },
        429,
      ),
      shows: { failure: /busy[\s\S]*Service tier capacity exceeded/ },
    },
    {
      asks: 'the key of the gateway is wrong',
      stream: json({ detail: 'Unauthorized' }, 401),
      shows: { failure: /operator[\s\S]*Unauthorized/ },
    },
  ],
}

export const openai: ModelServer = {
  name: 'OpenAI',
  sources: [
    'platform.openai.com API reference, Chat completions and its streaming',
    'unsupported_parameter of reasoning models, as many clients recorded it',
  ],
  type: 'chat',
  rules,
  models: models('gpt-5-mini', { owned_by: 'system' }),
  reasoning: [],
  refuses: (body) => {
    const refusal = (message: string, param: string, code: string) =>
      json({ error: { message, type: 'invalid_request_error', param, code } }, 400)
    if (body.max_tokens !== undefined)
      return refusal(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        'max_tokens',
        'unsupported_parameter',
      )
    if (body.temperature !== undefined && body.temperature !== 1)
      return refusal(
        "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported.",
        'temperature',
        'unsupported_value',
      )
    return undefined
  },
  scenes: [
    {
      asks: 'hello',
      stream: sse([
        chunk({ role: 'assistant', content: '', refusal: null }, {}, { usage: null, obfuscation: 'aX3' }),
        chunk({ content: 'Hello from ' }, {}, { usage: null, obfuscation: '' }),
        chunk({ content: 'OpenAI.' }, {}, { usage: null, obfuscation: 'p' }),
        chunk({}, { finish_reason: 'stop' }, { usage: null, obfuscation: 'Zz' }),
        chunk(
          null,
          {},
          { usage: { ...usage, completion_tokens: 105, completion_tokens_details: { reasoning_tokens: 100 } } },
        ),
        DONE,
      ]),
      whole: completion({ content: 'Hello from OpenAI.', refusal: null, annotations: [] }),
      shows: { text: 'Hello from OpenAI.', tokens: /9 (tokens )?in, (105 out \(100 reasoning\)|5 out)/ },
    },
    {
      asks: 'with a limit of tokens',
      fields: { max_tokens: '64' },
      stream: sse([chunk({ content: 'Short.' }), chunk({}, { finish_reason: 'stop' }), DONE]),
      whole: completion({ content: 'Short.' }),
      shows: { text: 'Short.' },
    },
    {
      asks: 'with a temperature',
      fields: { temperature: '0.3' },
      stream: sse([DONE]),
      shows: { failure: /'temperature' does not support 0\.3/ },
    },
    {
      asks: 'something that it refuses',
      stream: sse([
        chunk({ role: 'assistant', content: null, refusal: '' }),
        chunk({ refusal: 'I cannot help ' }),
        chunk({ refusal: 'with that.' }),
        chunk({}, { finish_reason: 'stop' }),
        DONE,
      ]),
      whole: completion({ content: null, refusal: 'I cannot help with that.' }),
      shows: { text: 'I cannot help with that.' },
    },
    {
      asks: 'too often',
      stream: json(
        {
          error: {
            message: 'Rate limit reached for gpt-5-mini on requests per min (RPM): Limit 3, Used 3, Requested 1.',
            type: 'requests',
            param: null,
            code: 'rate_limit_exceeded',
          },
        },
        429,
        { 'retry-after': '20' },
      ),
      shows: { failure: /busy[\s\S]*20 seconds[\s\S]*Rate limit reached/ },
    },
  ],
}

const safe = { hate: { filtered: false, severity: 'safe' } }

export const azure: ModelServer = {
  name: 'Azure OpenAI',
  sources: [
    'learn.microsoft.com Azure OpenAI REST reference and content filtering (prompt_filter_results, innererror)',
  ],
  type: 'chat',
  rules: [['POST', '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21']],
  reasoning: [],
  scenes: [
    {
      asks: 'hello',
      // The first event has no choice.
      stream: sse([
        {
          id: '',
          object: '',
          created: 0,
          model: '',
          choices: [],
          prompt_filter_results: [{ prompt_index: 0, content_filter_results: safe }],
        },
        chunk({ role: 'assistant', content: '', refusal: null }, { content_filter_results: {} }),
        chunk({ content: 'Hello from ' }, { content_filter_results: safe }),
        chunk({ content: 'Azure.' }, { content_filter_results: safe }),
        chunk({}, { finish_reason: 'stop', content_filter_results: {} }),
        chunk(null, {}, { usage }),
        DONE,
      ]),
      whole: completion({ content: 'Hello from Azure.' }, { content_filter_results: safe }),
      shows: { text: 'Hello from Azure.', tokens: /9 (tokens )?in, 5 out/ },
    },
    {
      asks: 'an answer that is filtered',
      stream: sse([
        chunk({ role: 'assistant', content: '' }),
        chunk({}, { finish_reason: 'content_filter', content_filter_results: { hate: { filtered: true } } }),
        DONE,
      ]),
      whole: completion({ content: '' }, { finish_reason: 'content_filter' }),
      shows: { text: '', note: /content[ _]filter/ },
    },
    {
      asks: 'a message that is filtered',
      stream: json(
        {
          error: {
            message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            type: null,
            param: 'prompt',
            code: 'content_filter',
            status: 400,
            innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } },
          },
        },
        400,
      ),
      shows: { failure: /content management policy/ },
    },
    {
      asks: 'no deployment',
      stream: json(
        { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } },
        404,
      ),
      shows: { failure: /The API deployment for this resource does not exist/ },
    },
  ],
}

export const openrouter: ModelServer = {
  name: 'OpenRouter',
  sources: ['openrouter.ai/docs/api/reference/streaming and errors (comments, mid-stream errors, reasoning_details)'],
  type: 'chat',
  rules,
  models: models('deepseek/deepseek-r1', { context_length: 163_840 }),
  reasoning: ['reasoning', 'reasoning_details'],
  scenes: [
    {
      asks: 'hello',
      stream: sse([
        ': OPENROUTER PROCESSING',
        ': OPENROUTER PROCESSING',
        chunk({
          role: 'assistant',
          content: '',
          reasoning: 'The user greets me.',
          reasoning_details: [{ type: 'reasoning.text', text: 'The user greets me.', index: 0 }],
        }),
        chunk({ role: 'assistant', content: 'Hello from OpenRouter.', reasoning: null }),
        chunk({ role: 'assistant', content: '' }, { finish_reason: 'stop', native_finish_reason: 'stop' }),
        chunk({ role: 'assistant', content: '' }, {}, { usage: { ...usage, cost: 0.0001 } }),
        DONE,
      ]),
      whole: completion({ content: 'Hello from OpenRouter.', reasoning: 'The user greets me.' }),
      shows: { text: 'Hello from OpenRouter.', reasoning: 'The user greets me.', tokens: /9 (tokens )?in, 5 out/ },
    },
    {
      asks: 'the provider disconnects',
      stream: sse([
        chunk({ content: 'Hel' }),
        chunk(
          { content: '' },
          { finish_reason: 'error' },
          { error: { code: 502, message: 'Provider disconnected unexpectedly' } },
        ),
      ]),
      whole: json({ error: { code: 502, message: 'Provider disconnected unexpectedly' } }),
      shows: { failure: /Provider disconnected unexpectedly/ },
    },
  ],
}

export const litellm: ModelServer = {
  name: 'LiteLLM',
  sources: [
    'docs.litellm.ai, Reasoning content (reasoning_content, thinking_blocks)',
    'github.com/BrokkAi/brokk-app issue 540, github.com/BerriAI/litellm issue 6629 (errors of the proxy, also with 200)',
  ],
  type: 'chat',
  rules,
  models: models('team-model', { owned_by: 'openai' }),
  reasoning: ['reasoning_content', 'thinking_blocks'],
  scenes: [
    {
      asks: 'hello',
      stream: sse([
        chunk({
          role: 'assistant',
          content: '',
          reasoning_content: 'The user greets me.',
          thinking_blocks: [{ type: 'thinking', thinking: 'The user greets me.', signature: null }],
        }),
        chunk({ content: 'Hello from LiteLLM.' }),
        chunk({}, { finish_reason: 'stop' }),
        chunk({}, {}, { usage }),
        DONE,
      ]),
      whole: completion({ content: 'Hello from LiteLLM.', reasoning_content: 'The user greets me.' }),
      shows: { text: 'Hello from LiteLLM.', reasoning: 'The user greets me.', tokens: /9 (tokens )?in, 5 out/ },
    },
    {
      asks: 'too long',
      stream: json(
        {
          error: {
            message: 'litellm.ContextWindowExceededError: prompt is too long: 209303 tokens > 200000 maximum',
            type: null,
            param: null,
            code: '400',
          },
        },
        400,
      ),
      shows: { failure: /prompt is too long: 209303 tokens/ },
    },
    {
      asks: 'an error with status 200',
      stream: sse([
        { error: { message: 'litellm.APIError: upstream closed', type: 'None', param: 'None', code: '500' } },
      ]),
      whole: json({ error: { message: 'litellm.APIError: upstream closed', type: 'None', code: '500' } }, 500),
      shows: { failure: /upstream closed/ },
    },
  ],
}
