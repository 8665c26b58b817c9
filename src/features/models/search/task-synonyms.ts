import type { Synonym } from './synonyms.js'

/** Tasks, and properties that a model may have. */
export const taskSynonyms: Synonym[] = [
  {
    phrases: [
      ...[
        'code',
        'coder',
        'coding',
        'programming',
        'program',
        'programmer',
        'developer',
        'software',
        'code completion',
      ],
      ...['code generation', 'write code', 'copilot', 'refactor', 'debug', 'unit test', 'programmieren', 'quellcode'],
      ...[
        'sql',
        'text to sql',
        'python',
        'java',
        'javascript',
        'typescript',
        'golang',
        'rust',
        'cpp',
        'csharp',
        'bash',
      ],
      ...['kotlin', 'cobol', 'abap', 'html', 'regex'],
    ],
    means: ['code'],
    otherwise: ['type:completion', 'type:chat'],
  },
  { phrases: ['code review', 'review code', 'pull request'], means: ['code review', 'code'] },
  {
    phrases: [
      ...['summary', 'summarise', 'summarization', 'condense', 'tldr', 'tl dr', 'shorten', 'digest'],
      ...['zusammenfassen', 'zusammenfassung', 'resume text'],
    ],
    means: ['summaries', 'summarization'],
    otherwise: ['type:chat'],
  },
  {
    phrases: [
      'extract',
      'extraction',
      'entities',
      'entity recognition',
      'ner',
      'information extraction',
      'extrahieren',
    ],
    means: ['extraction'],
    otherwise: ['capability:json_mode', 'type:chat'],
  },
  {
    phrases: [
      'translate',
      'translation',
      'translator',
      'ubersetzen',
      'ubersetzung',
      'uebersetzen',
      'uebersetzung',
      'traduction',
    ],
    means: ['translation'],
    otherwise: ['type:chat'],
  },
  {
    phrases: ['classify', 'classification', 'classifier', 'sentiment', 'categorise', 'klassifizieren', 'moderation'],
    means: ['classification', 'classifies'],
    otherwise: ['type:chat'],
  },
  {
    phrases: ['write', 'writing', 'draft', 'email', 'rewrite', 'proofread', 'schreiben', 'customer support', 'faq'],
    means: [],
    otherwise: ['type:chat'],
  },
  {
    phrases: ['general purpose', 'all purpose', 'allrounder', 'general'],
    means: ['general purpose'],
    otherwise: ['type:chat'],
  },
  { phrases: ['beginner', 'getting started', 'starter'], means: ['start here', 'starter'], otherwise: ['type:chat'] },

  // Properties
  {
    phrases: [
      ...['long context', 'large context', 'big context', 'long context window', 'large context window', 'long input'],
      ...['long document', 'large document', 'long text', 'whole book', 'long pdf', 'many pages', 'langer kontext'],
      ...['grosser kontext', 'lange dokumente', 'lange texte', 'long'],
    ],
    means: ['context:100000', 'long context', 'long documents'],
  },
  {
    phrases: [
      ...[
        'multilingual',
        'multi lingual',
        'multi language',
        'multiple languages',
        'many languages',
        'several languages',
      ],
      ...['european languages', 'mehrsprachig', 'mehrere sprachen', 'viele sprachen', 'multilingue', 'polyglot'],
    ],
    means: ['multilingual', 'language:many'],
  },
  {
    phrases: ['fast', 'fastest', 'quick', 'low latency', 'real time', 'realtime', 'speed', 'schnell', 'rapid', 'turbo'],
    means: ['fast', 'turbo'],
    otherwise: ['small'],
  },
  {
    phrases: ['small', 'smallest', 'tiny', 'lightweight', 'light', 'mini', 'klein', 'kleines', 'compact'],
    means: ['small', 'tiny', 'mini'],
  },
  {
    phrases: ['large', 'largest', 'biggest', 'big', 'powerful', 'strongest', 'gross', 'grosses', 'difficult'],
    means: ['large', 'difficult'],
  },
  {
    phrases: [
      ...['free', 'free of charge', 'no cost', 'zero cost', 'without cost', 'at no charge', 'no charge', 'gratis'],
      ...['kostenlos', 'kostenfrei', 'umsonst', 'gratuit', 'gratuito'],
    ],
    means: ['price:free'],
  },
]

/** These put the lowest price first. Models that say so of themselves come first among equals. */
export const lowPricePhrases = [
  ...[
    'cheap',
    'cheaper',
    'cheapest',
    'low cost',
    'lowest cost',
    'low price',
    'lowest price',
    'low priced',
    'inexpensive',
  ],
  ...[
    'least expensive',
    'affordable',
    'economical',
    'budget',
    'cost effective',
    'cost efficient',
    'gunstig',
    'guenstig',
  ],
  ...[
    'gunstiger',
    'gunstige',
    'gunstiges',
    'gunstigste',
    'billig',
    'billige',
    'billigste',
    'preiswert',
    'preisgunstig',
  ],
  ...['bon marche', 'pas cher', 'barato', 'economico'],
]
