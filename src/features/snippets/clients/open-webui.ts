import { shell } from '../languages/escape.js'
import { askLines, gapLines, tokenLines } from '../languages/shell.js'
import type { Client, Scene } from '../scene.js'

/** Variables of each use: base URL, key, model id, and what switches it on (open-webui, backend/open_webui/config.py). */
const uses: Partial<Record<Scene['model']['type'], { base: string; key: string; model: string; on: string[] }>> = {
  chat: { base: 'OPENAI_API_BASE_URLS', key: 'OPENAI_API_KEYS', model: 'DEFAULT_MODELS', on: [] },
  embedding: {
    base: 'RAG_OPENAI_API_BASE_URL',
    key: 'RAG_OPENAI_API_KEY',
    model: 'RAG_EMBEDDING_MODEL',
    on: ['RAG_EMBEDDING_ENGINE=openai'],
  },
  rerank: {
    base: 'RAG_EXTERNAL_RERANKER_URL',
    key: 'RAG_EXTERNAL_RERANKER_API_KEY',
    model: 'RAG_RERANKING_MODEL',
    on: ['ENABLE_RAG_HYBRID_SEARCH=true', 'RAG_RERANKING_ENGINE=external'],
  },
  image: {
    base: 'IMAGES_OPENAI_API_BASE_URL',
    key: 'IMAGES_OPENAI_API_KEY',
    model: 'IMAGE_GENERATION_MODEL',
    on: ['ENABLE_IMAGE_GENERATION=true', 'IMAGE_GENERATION_ENGINE=openai'],
  },
  speech_to_text: {
    base: 'AUDIO_STT_OPENAI_API_BASE_URL',
    key: 'AUDIO_STT_OPENAI_API_KEY',
    model: 'AUDIO_STT_MODEL',
    on: ['AUDIO_STT_ENGINE=openai'],
  },
  text_to_speech: {
    base: 'AUDIO_TTS_OPENAI_API_BASE_URL',
    key: 'AUDIO_TTS_OPENAI_API_KEY',
    model: 'AUDIO_TTS_MODEL',
    on: ['AUDIO_TTS_ENGINE=openai', 'AUDIO_TTS_VOICE=alloy'],
  },
}

/** The container takes its connection from variables: a Bearer key and nothing else. */
export const openWebui: Client = {
  client: 'open-webui',
  group: 'Tools',
  label: 'Open WebUI',
  language: 'bash',
  note: ({ carrier, asks, model }) =>
    [
      'Starts Open WebUI on port 3000.',
      ...(carrier.kind === 'token' ? ['It cannot fetch a token by itself, and this one ends after minutes.'] : []),
      ...(asks && model.type === 'chat' ? ['It asks the model server for the id.'] : []),
    ].join(' '),
  limits: {
    types: ['chat', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech'],
    anyPath: false,
    cannotSend: ['headers', 'query', 'basic'],
    nearest: ['continue', 'python-openai', 'python-requests', 'curl'],
  },
  readers: ['templates', 'bash', 'open-webui'],
  inShell: (code) => code,
  write(scene) {
    const { model, call, carrier, modelId } = scene
    const use = uses[model.type]
    if (!use) return ''
    // for chat it lists the models by itself
    const asksFirst = scene.asks && model.type !== 'chat'
    const key = carrier.kind === 'token' ? 'MAAS_TOKEN' : carrier.pairs[0]?.[1]
    const variables = [
      ...use.on,
      `${use.base}=${shell(model.type === 'rerank' ? call.url : call.base)}`,
      `${use.key}="$${key}"`,
      ...(modelId === undefined ? [] : [`${use.model}=${shell(modelId)}`]),
      ...(asksFirst ? [`${use.model}="$MODEL"`] : []),
    ]
    return [
      ...tokenLines(carrier),
      ...(asksFirst ? askLines(scene) : gapLines(scene)),
      [
        'docker run -d --name open-webui -p 3000:8080',
        '-v open-webui:/app/backend/data',
        ...variables.map((variable) => `-e ${variable}`),
        'ghcr.io/open-webui/open-webui:main',
      ].join(' \\\n  '),
    ].join('\n')
  },
}
