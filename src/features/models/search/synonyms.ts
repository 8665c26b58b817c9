import { taskSynonyms } from './task-synonyms.js'

/**
 * What people search for, and what the catalogue calls it. A meaning is
 * - a fact: `type:` and `capability:` with a value of the API, `context:` with the least context length, `language:many`, `price:free`;
 * - or words of a name or description.
 * Phrases are compared by their stems, so one form of a word suffices. PORTAL_CONFIG adds to these (`search.synonyms`).
 */
export interface Synonym {
  phrases: string[]
  /** the first is the best */
  means: string[]
  /** if no model has one of these, nor the words themselves */
  otherwise?: string[]
}

export const synonyms: Synonym[] = [
  // Types
  {
    phrases: [
      'chat',
      'chatbot',
      'conversation',
      'dialogue',
      'assistant',
      'instruct',
      'chat completion',
      'messages api',
    ],
    means: ['type:chat'],
  },
  {
    phrases: ['llm', 'gpt', 'chatgpt', 'claude', 'gemini', 'language model', 'large language model', 'text generation'],
    means: [],
    otherwise: ['type:chat', 'type:completion'],
  },
  {
    phrases: ['completion', 'text completion', 'autocomplete', 'auto complete', 'fill in the middle', 'fim'],
    means: ['type:completion', 'completes', 'completion'],
  },
  {
    phrases: [
      ...['embed', 'embedding', 'text embedding', 'vector', 'vectors', 'vectorise', 'vectorizer', 'vektor', 'vektoren'],
      ...['einbettung', 'plongement', 'similarity', 'semantic similarity', 'semantic search', 'semantische suche'],
      ...['clustering', 'vector search', 'vector database', 'nearest neighbour'],
    ],
    means: ['type:embedding'],
  },
  {
    phrases: [
      'rerank',
      'reranker',
      're rank',
      're ranker',
      're ranking',
      'ranking',
      'cross encoder',
      'relevance',
      'sort results',
    ],
    means: ['type:rerank'],
  },
  {
    phrases: [
      ...['rag', 'retrieval', 'retrieval augmented generation', 'knowledge base', 'wissensdatenbank'],
      ...['document search', 'enterprise search', 'question answering', 'ask my documents', 'chat with documents'],
    ],
    means: ['type:embedding', 'type:rerank', 'type:chat'],
  },
  { phrases: ['search', 'find documents', 'recherche'], means: ['type:embedding', 'type:rerank', 'search'] },
  {
    phrases: [
      ...['image generation', 'generate images', 'create images', 'text to image', 'txt2img', 'draw'],
      ...['drawing', 'illustration', 'paint', 'diffusion', 'bilder erzeugen', 'bilder generieren', 'bild generieren'],
    ],
    means: ['type:image'],
  },
  { phrases: ['image', 'picture', 'photo', 'bild', 'bilder', 'imagen'], means: ['type:image', 'capability:vision'] },
  {
    phrases: [
      ...[
        'speech to text',
        'stt',
        'asr',
        'transcribe',
        'transcript',
        'transcription',
        'speech recognition',
        'dictation',
      ],
      ...['voice to text', 'audio to text', 'subtitles', 'captions', 'transkribieren', 'transkription', 'mitschrift'],
      ...['spracherkennung', 'sprache zu text', 'voice recognition', 'recordings', 'diktat', 'minutes of meetings'],
    ],
    means: ['type:speech_to_text'],
  },
  {
    phrases: [
      ...[
        'text to speech',
        'tts',
        'speech synthesis',
        'synthesise speech',
        'voice',
        'voiceover',
        'speak',
        'read aloud',
      ],
      ...['narration', 'text to audio', 'sprachausgabe', 'sprachsynthese', 'vorlesen', 'text zu sprache', 'audiobook'],
    ],
    means: ['type:text_to_speech'],
  },
  { phrases: ['audio', 'speech', 'sound'], means: ['type:speech_to_text', 'type:text_to_speech'] },

  // Capabilities
  {
    phrases: [
      ...[
        'vision',
        'visual',
        'multimodal',
        'multi modal',
        'vlm',
        'vision language',
        'image understanding',
        'image input',
      ],
      ...['image to text', 'understand images', 'image recognition', 'image analysis', 'analyse images', 'read images'],
      ...['describe images', 'image captioning', 'ocr', 'scans', 'screenshots', 'bilder verstehen', 'bildverstehen'],
      ...['bilderkennung', 'see images', 'look at images', 'photo understanding', 'chart understanding'],
    ],
    means: ['capability:vision'],
  },
  {
    phrases: [
      ...[
        'tools',
        'tool calling',
        'tool use',
        'function calling',
        'function call',
        'functions',
        'call functions',
        'mcp',
      ],
      ...['agent', 'agentic', 'werkzeuge'],
    ],
    means: ['capability:tools', 'function calling', 'agents'],
  },
  {
    phrases: [
      'json',
      'json mode',
      'json output',
      'structured output',
      'structured data',
      'json schema',
      'guided decoding',
    ],
    means: ['capability:json_mode'],
  },
  { phrases: ['stream', 'streaming', 'server sent events', 'sse'], means: ['capability:streaming'] },
  {
    phrases: [
      ...['reasoning', 'reason', 'thinking', 'think', 'chain of thought', 'step by step', 'logic', 'logik', 'puzzles'],
      ...['schlussfolgern', 'o1', 'o3'],
    ],
    means: ['capability:reasoning', 'reasoning', 'step by step'],
  },
  {
    phrases: [
      'math',
      'maths',
      'mathematics',
      'mathematical',
      'mathe',
      'mathematik',
      'calculate',
      'arithmetic',
      'algebra',
    ],
    means: ['mathematics', 'math'],
    otherwise: ['capability:reasoning'],
  },
  ...taskSynonyms,
]
