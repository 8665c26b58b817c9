/** The input that clients accept which cannot be run here, according to their sources. */

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

/**
 * kubernetes/kubernetes, api/openapi-spec: io.k8s.api.core.v1.Secret, with its rules for names (RFC 1123) and keys, for the
 * fields that this project writes.
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
