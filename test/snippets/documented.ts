/** What clients that cannot be run here accept, as their own sources say. */

/** open-webui/open-webui, commit 00b1c6bc, backend/open_webui/config.py: variables that it reads. */
export const openWebuiVariables = new Set([
  'OPENAI_API_BASE_URLS',
  'OPENAI_API_KEYS',
  'DEFAULT_MODELS',
  'RAG_EMBEDDING_ENGINE',
  'RAG_OPENAI_API_BASE_URL',
  'RAG_OPENAI_API_KEY',
  'RAG_EMBEDDING_MODEL',
  'ENABLE_RAG_HYBRID_SEARCH',
  'RAG_RERANKING_ENGINE',
  'RAG_EXTERNAL_RERANKER_URL',
  'RAG_EXTERNAL_RERANKER_API_KEY',
  'RAG_RERANKING_MODEL',
  'ENABLE_IMAGE_GENERATION',
  'IMAGE_GENERATION_ENGINE',
  'IMAGES_OPENAI_API_BASE_URL',
  'IMAGES_OPENAI_API_KEY',
  'IMAGE_GENERATION_MODEL',
  'AUDIO_STT_ENGINE',
  'AUDIO_STT_OPENAI_API_BASE_URL',
  'AUDIO_STT_OPENAI_API_KEY',
  'AUDIO_STT_MODEL',
  'AUDIO_TTS_ENGINE',
  'AUDIO_TTS_OPENAI_API_BASE_URL',
  'AUDIO_TTS_OPENAI_API_KEY',
  'AUDIO_TTS_MODEL',
  'AUDIO_TTS_VOICE',
])

/** Arguments by class, for the calls that a LlamaIndex text makes. */
export const llamaindexArguments: Record<string, Set<string>> = {
  // run-llama/llama_index, commit 0f813308, llms/openai_like/base.py (documented arguments)
  OpenAILike: new Set(
    'model api_base is_chat_model is_function_calling_model api_key context_window max_tokens temperature additional_kwargs max_retries timeout reuse_client default_headers http_client async_http_client'.split(
      ' ',
    ),
  ),
  // run-llama/llama_index, commit 05b8fe73, embeddings/openai_like/base.py (signature)
  OpenAILikeEmbedding: new Set(
    'model_name embed_batch_size dimensions additional_kwargs api_key api_base api_version max_retries timeout reuse_client callback_manager default_headers http_client async_http_client num_workers'.split(
      ' ',
    ),
  ),
  // llama_index/core/base/llms/types.py
  ChatMessage: new Set(['role', 'content', 'additional_kwargs']),
  'llm.chat': new Set(),
  'llm.complete': new Set(),
  'embedder.get_text_embedding_batch': new Set(),
  // openai/openai-python 3.3.1, src/openai/_client.py
  OpenAI: new Set(
    'api_key organization project base_url timeout max_retries default_headers default_query http_client'.split(' '),
  ),
  'client.models.list': new Set(),
}

/**
 * kubernetes/kubernetes, api/openapi-spec: io.k8s.api.core.v1.Secret, with its rules for names (RFC 1123) and keys; what this
 * project writes of it.
 */
export const secretSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['apiVersion', 'kind', 'metadata', 'stringData'],
  properties: {
    apiVersion: { const: 'v1' },
    kind: { const: 'Secret' },
    metadata: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: {
        name: { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
      },
    },
    type: { const: 'Opaque' },
    stringData: {
      type: 'object',
      propertyNames: { pattern: '^[-._a-zA-Z0-9]{1,253}$' },
      additionalProperties: { type: 'string' },
    },
  },
}
