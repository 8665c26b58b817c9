import { azure, litellm, mistral, openai, openrouter } from './model-server-vendors.js'
import {
  chunk,
  completion,
  DONE,
  json,
  type ModelServer,
  plain,
  type Scene,
  sse,
  usage,
} from './scripted-model-servers.js'

const openAiRules: [string, string][] = [
  ['POST', '/v1/chat/completions'],
  ['GET', '/v1/models'],
]
const models = (id: string, more: object = {}) => ({
  path: '/v1/models',
  answer: { object: 'list', data: [{ id, object: 'model', created: 1_780_000_000, owned_by: 'owner', ...more }] },
})

/** A scene that ends in an error before the first token. */
const refused = (asks: string, reply: Scene['stream'], failure: RegExp): Scene => ({
  asks,
  stream: reply,
  shows: { failure },
})
/** The reasoning and the text, in the fields with these names. */
const reasoned = (
  member: string | string[],
  name: string,
  first: object = { role: 'assistant', content: '' },
): Scene => {
  const members = (text: string) => Object.fromEntries([member].flat().map((each) => [each, text]))
  return {
    asks: 'hello',
    stream: sse([
      chunk({ ...first }),
      chunk(members('The user ')),
      chunk(members('greets me.')),
      chunk({ content: 'Hello from ' }),
      chunk({ content: `${name}.` }),
      chunk({}, { finish_reason: 'stop' }),
      chunk(null, {}, { usage }),
      DONE,
    ]),
    whole: completion({ content: `Hello from ${name}.`, ...members('The user greets me.') }),
    shows: { text: `Hello from ${name}.`, reasoning: 'The user greets me.', tokens: /9 (tokens )?in, 5 out/ },
  }
}

const vllm: ModelServer = {
  name: 'vLLM',
  sources: [
    'vllm-project/vllm vllm/entrypoints/openai/protocol.py (ErrorResponse, ModelCard, UsageInfo)',
    'vllm-project/vllm vllm/entrypoints/openai/serving_engine.py (create_streaming_error_response)',
  ],
  type: 'chat',
  rules: openAiRules,
  models: models('ibm-granite/granite-3.3-8b-instruct', { owned_by: 'vllm', max_model_len: 4096 }),
  reasoning: ['reasoning', 'reasoning_content'],
  scenes: [
    reasoned('reasoning', 'vLLM'),
    { ...reasoned('reasoning_content', 'vLLM'), asks: 'a release before 0.12' },
    { ...reasoned(['reasoning', 'reasoning_content'], 'vLLM'), asks: 'both names for one text' },
    {
      asks: 'a chat template that opens the reasoning itself',
      stream: sse([
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: 'The user greets me.\n' }),
        chunk({ content: '</think>' }),
        chunk({ content: '\n\nHello from vLLM.' }),
        chunk({}, { finish_reason: 'stop' }),
        DONE,
      ]),
      whole: completion({ content: 'The user greets me.\n</think>\n\nHello from vLLM.' }),
      shows: { text: 'Hello from vLLM.', reasoning: 'The user greets me.' },
    },
    {
      asks: 'only reasoning within the limit',
      fields: { max_tokens: '5' },
      stream: sse([
        chunk({ role: 'assistant', content: '' }),
        chunk({ reasoning: 'Let me think' }),
        chunk({}, { finish_reason: 'length', stop_reason: null }),
        chunk(null, {}, { usage }),
        DONE,
      ]),
      whole: completion({ content: null, reasoning: 'Let me think' }, { finish_reason: 'length' }),
      shows: { text: '', reasoning: 'Let me think', note: /reason[\s\S]*limit|limit[\s\S]*reason|maximum/i },
    },
    {
      asks: 'no reasoning parser',
      stream: sse([
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: '<thi' }),
        chunk({ content: 'nk>\nThe user greets me.\n</think>\n\nHello' }),
        chunk({ content: ' there.' }),
        chunk({}, { finish_reason: 'stop' }),
        DONE,
      ]),
      whole: completion({ content: '<think>\nThe user greets me.\n</think>\n\nHello there.' }),
      shows: { text: 'Hello there.', reasoning: 'The user greets me.' },
    },
    refused(
      'too long',
      json(
        {
          error: {
            message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
            type: 'BadRequestError',
            param: null,
            code: 400,
          },
        },
        400,
      ),
      /maximum context length is 4096 tokens/,
    ),
    {
      asks: 'the engine fails',
      stream: sse([
        chunk({ role: 'assistant', content: '' }),
        chunk({ content: 'Hel' }),
        { error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', param: null, code: 500 } },
        DONE,
      ]),
      whole: json(
        { error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', code: 500 } },
        500,
      ),
      shows: { failure: /EngineCore encountered an issue/ },
    },
  ],
}

const sglang: ModelServer = {
  name: 'SGLang',
  sources: ['sgl-project/sglang python/sglang/srt/entrypoints/openai/serving_base.py (create_error_response)'],
  type: 'chat',
  rules: openAiRules,
  models: models('qwen/qwen3-8b', { owned_by: 'sglang', root: 'qwen/qwen3-8b', max_model_len: 40960 }),
  reasoning: ['reasoning_content'],
  scenes: [
    {
      asks: 'hello',
      // Every chunk has both fields, and the other one is null.
      stream: sse([
        chunk({ role: 'assistant', content: '', reasoning_content: null, tool_calls: null }),
        chunk({ role: null, content: null, reasoning_content: 'The user greets me.', tool_calls: null }),
        chunk({ role: null, content: 'Hello from SGLang.', reasoning_content: null, tool_calls: null }),
        chunk({ role: null, content: null, reasoning_content: null }, { finish_reason: 'stop', matched_stop: 151_645 }),
        chunk(null, {}, { usage: { ...usage, prompt_tokens_details: null, reasoning_tokens: 0 } }),
        DONE,
      ]),
      whole: completion({ content: 'Hello from SGLang.', reasoning_content: 'The user greets me.', tool_calls: null }),
      shows: { text: 'Hello from SGLang.', reasoning: 'The user greets me.', tokens: /9 (tokens )?in, 5 out/ },
    },
    refused(
      'too long',
      json(
        {
          object: 'error',
          message: 'The input (5000 tokens) is too long.',
          type: 'BadRequestError',
          param: null,
          code: 400,
        },
        400,
      ),
      /The input \(5000 tokens\) is too long/,
    ),
    {
      asks: 'the queue is full',
      stream: sse([
        { error: { object: 'error', message: 'The request queue is full.', type: 'abort', param: null, code: 503 } },
        DONE,
      ]),
      whole: json({ object: 'error', message: 'The request queue is full.', type: 'abort', code: 503 }, 503),
      shows: { failure: /The request queue is full/ },
    },
  ],
}

const tgi: ModelServer = {
  name: 'Text Generation Inference',
  sources: ['huggingface/text-generation-inference router/src/infer/mod.rs, router/src/server.rs (InferError)'],
  type: 'chat',
  rules: openAiRules,
  models: models('meta-llama/Llama-3.1-8B-Instruct'),
  reasoning: [],
  scenes: [
    {
      asks: 'hello',
      // Axum writes no space after `data:`
      stream: sse(
        [
          chunk({ role: 'assistant', content: 'Hello from ' }, { logprobs: null }, { usage: null }),
          chunk({ role: 'assistant', content: 'TGI.' }, { logprobs: null }, { usage: null }),
          chunk({ role: 'assistant', content: '' }, { finish_reason: 'stop' }, { usage: null }),
          chunk(null, {}, { usage }),
          DONE,
        ],
        { prefix: 'data:' },
      ),
      whole: completion({ content: 'Hello from TGI.' }),
      shows: { text: 'Hello from TGI.', tokens: /9 (tokens )?in, 5 out/ },
    },
    refused(
      'too long',
      json(
        {
          error:
            'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens',
          error_type: 'validation',
        },
        422,
      ),
      /must be <= 4096/,
    ),
    refused(
      'overloaded',
      json({ error: 'Model is overloaded', error_type: 'overloaded' }, 429),
      /busy[\s\S]*Model is overloaded/,
    ),
    {
      asks: 'out of memory',
      stream: sse(
        [
          chunk({ role: 'assistant', content: 'Hel' }),
          { error: 'Request failed during generation: Server error: CUDA out of memory', error_type: 'generation' },
        ],
        { prefix: 'data:' },
      ),
      whole: json({ error: 'Request failed during generation: CUDA out of memory', error_type: 'generation' }, 424),
      shows: { failure: /CUDA out of memory/ },
    },
  ],
}

const ollama: ModelServer = {
  name: 'Ollama',
  sources: ['ollama/ollama openai/openai.go (Message.Reasoning, ErrorResponse, ListCompletion)'],
  type: 'chat',
  rules: openAiRules,
  models: models('gpt-oss:20b', { owned_by: 'library' }),
  reasoning: ['reasoning'],
  scenes: [
    reasoned('reasoning', 'Ollama', { role: 'assistant', content: '' }),
    refused(
      'not pulled',
      json({ error: { message: "model 'llama9' not found", type: 'not_found_error', param: null, code: null } }, 404),
      /model 'llama9' not found/,
    ),
    refused(
      'busy',
      json(
        {
          error: {
            message: 'server busy, please try again. maximum pending requests exceeded',
            type: 'api_error',
            param: null,
            code: null,
          },
        },
        503,
      ),
      /maximum pending requests exceeded/,
    ),
  ],
}

const llamaCpp: ModelServer = {
  name: 'llama.cpp',
  sources: [
    'ggml-org/llama.cpp tools/server/server-context.cpp (format_oai_sse of errors)',
    'ggml-org/llama.cpp examples/server/server.cpp before 2025-09 (server_sent_event(sink, "error", …); Loading model)',
  ],
  type: 'chat',
  rules: openAiRules,
  models: models('/models/gemma-3-4b-it-Q4_K_M.gguf', { owned_by: 'llamacpp', meta: { n_ctx_train: 131_072 } }),
  reasoning: ['reasoning_content'],
  scenes: [
    {
      asks: 'hello',
      stream: sse([
        chunk({ role: 'assistant', content: null }),
        chunk({ reasoning_content: 'The user greets me.' }),
        chunk({ content: 'Hello from llama.cpp.' }),
        chunk({}, { finish_reason: 'stop' }),
        chunk(null, {}, { usage, timings: { predicted_n: 5, predicted_per_second: 41.2 } }),
        DONE,
      ]),
      whole: completion(
        { content: 'Hello from llama.cpp.', reasoning_content: 'The user greets me.' },
        {},
        { timings: { predicted_n: 5 } },
      ),
      shows: { text: 'Hello from llama.cpp.', reasoning: 'The user greets me.', tokens: /9 (tokens )?in, 5 out/ },
    },
    refused(
      'too long',
      json(
        {
          error: {
            code: 400,
            message: 'request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it',
            type: 'exceed_context_size_error',
            n_prompt_tokens: 5000,
            n_ctx: 4096,
          },
        },
        400,
      ),
      /exceeds the available context size \(4096 tokens\)/,
    ),
    refused(
      'still loading',
      json({ error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }, 503),
      /start[\s\S]*Loading model/,
    ),
    {
      asks: 'an error in the stream',
      stream: sse([
        chunk({ content: 'Hel' }),
        { error: { code: 500, message: 'slot unavailable', type: 'server_error' } },
      ]),
      whole: json({ error: { code: 500, message: 'slot unavailable', type: 'server_error' } }, 500),
      shows: { failure: /slot unavailable/ },
    },
    {
      asks: 'an error as earlier releases wrote it',
      stream: sse(['error: {"code":500,"message":"context shift is disabled","type":"server_error"}']),
      whole: json({ error: { code: 500, message: 'context shift is disabled', type: 'server_error' } }, 500),
      shows: { failure: /context shift is disabled/ },
    },
  ],
}

const kserve: ModelServer = {
  name: 'KServe',
  sources: [
    'kserve/kserve python/kserve/kserve/errors.py, kserve/protocol/rest/openai (ErrorResponse)',
    'Envoy response flags UH and UF of an inference service that is scaled to zero',
  ],
  type: 'chat',
  rules: [
    ['POST', '/openai/v1/chat/completions'],
    ['GET', '/openai/v1/models'],
  ],
  models: { ...models('llama'), path: '/openai/v1/models' },
  reasoning: [],
  scenes: [
    {
      asks: 'hello',
      stream: sse([
        chunk({ role: 'assistant', content: 'Hello from ' }),
        chunk({ content: 'KServe.' }, { finish_reason: 'stop' }),
        DONE,
      ]),
      whole: completion({ content: 'Hello from KServe.' }),
      shows: { text: 'Hello from KServe.' },
    },
    {
      asks: 'started from zero',
      stream: { ...sse([chunk({ content: 'Good morning.' }, { finish_reason: 'stop' }), DONE]), after_ms: 7000 },
      whole: completion({ content: 'Good morning.' }),
      shows: { text: 'Good morning.' },
    },
    refused('no such model', json({ error: 'Model with name llama does not exist.' }, 404), /Model with name llama/),
    refused('no pod', plain('no healthy upstream', 503), /start[\s\S]*no healthy upstream/),
    refused(
      'invalid',
      json({ error: { message: 'max_tokens too large', type: 'BadRequestError', param: '', code: '400' } }, 400),
      /max_tokens too large/,
    ),
  ],
}

const nim: ModelServer = {
  name: 'NVIDIA NIM',
  sources: [
    'vLLM before 0.10, vllm/entrypoints/openai/serving_engine.py (flat ErrorResponse), on which NIM for LLMs is based',
  ],
  type: 'chat',
  rules: openAiRules,
  models: models('nvidia/llama-3.3-nemotron-super-49b-v1', { owned_by: 'system', max_model_len: 131_072 }),
  reasoning: ['reasoning_content'],
  scenes: [
    reasoned('reasoning_content', 'NIM', { role: 'assistant', content: null }),
    refused(
      'no such model',
      json(
        { object: 'error', message: 'The model `nano` does not exist.', type: 'NotFoundError', param: null, code: 404 },
        404,
      ),
      /The model `nano` does not exist/,
    ),
  ],
}

const tei: ModelServer = {
  name: 'Text Embeddings Inference',
  sources: ['huggingface/text-embeddings-inference router/src/http/server.rs (embed, ErrorResponse)'],
  type: 'embedding',
  rules: [
    ['POST', '/embed'],
    ['GET', '/info'],
  ],
  reasoning: [],
  scenes: [
    {
      asks: 'hello',
      stream: json([
        [1, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
      ]),
      shows: { text: 'Most similar' },
    },
  ],
}

const teiReranker: ModelServer = {
  name: 'Text Embeddings Inference, reranker',
  sources: ['huggingface/text-embeddings-inference router/src/http/server.rs (rerank: texts, bare list of Rank)'],
  type: 'rerank',
  rules: [
    ['POST', '/rerank'],
    ['GET', '/info'],
  ],
  reasoning: [],
  refuses: ({ texts }) =>
    Array.isArray(texts)
      ? undefined
      : plain('Failed to deserialize the JSON body into the target type: missing field `texts`', 422),
  scenes: [
    {
      asks: 'hello',
      stream: json([
        { index: 1, score: 0.98 },
        { index: 0, score: 0.02 },
      ]),
      shows: {},
    },
  ],
}

/** Every model server that the walk simulates, as listed in docs/model-servers.md. */
export const modelServers: ModelServer[] = [
  ...[vllm, sglang, tgi, tei, teiReranker, ollama, llamaCpp, kserve, nim],
  ...[mistral, openai, azure, openrouter, litellm],
]
