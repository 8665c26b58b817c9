import { shell } from '../../languages/escape.js'
import { exportsOf, instructionLines, modelIdLines, tokenLines } from '../../languages/shell.js'
import { remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

/** Variables of each use: base URL, key, model id, and what enables it (open-webui, backend/open_webui/config.py). */
const uses: Partial<
  Record<SnippetContext['model']['type'], { base: string; key: string; model: string; on: string[] }>
> = {
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

/** The container reads its connection from variables and supports only a Bearer key. */
export const openWebui: SnippetClient = {
  client: 'open-webui',
  group: 'Tools',
  label: 'Open WebUI',
  language: 'bash',
  note: ({ transport, queriesModelId, model }) =>
    [
      remarks.openWebui,
      ...(transport.kind === 'token' ? [remarks.openWebuiToken] : []),
      ...(queriesModelId && model.type === 'chat' ? [remarks.openWebuiModelId] : []),
    ].join(' '),
  limits: {
    types: ['chat', 'embedding', 'rerank', 'image', 'speech_to_text', 'text_to_speech'],
    anyPath: false,
    cannotSend: ['headers', 'query', 'basic'],
    alternatives: ['continue', 'python-openai', 'python-requests', 'curl'],
  },
  interpreters: ['templates', 'bash', 'open-webui'],
  variableLines: exportsOf,
  render(context) {
    const { model, call, transport, modelId } = context
    const use = uses[model.type]
    if (!use) return ''
    // For chat, it lists the models itself.
    const queriesFirst = context.queriesModelId && model.type !== 'chat'
    const key = transport.kind === 'token' ? 'MAAS_TOKEN' : transport.pairs[0]?.[1]
    const variables = [
      ...use.on,
      `${use.base}=${shell(model.type === 'rerank' ? call.url : call.base)}`,
      `${use.key}="$${key}"`,
      ...(modelId === undefined ? [] : [`${use.model}=${shell(modelId)}`]),
      ...(queriesFirst ? [`${use.model}="$MODEL"`] : []),
    ]
    return [
      ...tokenLines(transport),
      ...(queriesFirst ? modelIdLines(context) : instructionLines(context)),
      [
        'docker run -d --name open-webui -p 3000:8080',
        '-v open-webui:/app/backend/data',
        ...variables.map((variable) => `-e ${variable}`),
        'ghcr.io/open-webui/open-webui:main',
      ].join(' \\\n  '),
    ].join('\n')
  },
}
