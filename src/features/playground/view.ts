import { type ChatTurn, parseLines } from './chat-form.js'
import type { CodeView } from './code-view.js'
import { answerMessages, defaultTexts, pageTitle, tokenCounts, typeGroupLabels } from './messages.js'
import type { JsonResponse, PlaygroundChoice, RejectedCall } from './playground.js'
import { MAX_ANSWER_CHARACTERS, type ModelAnswer } from './results.js'
import { rankingView, similarityView } from './results-view.js'

type PlaygroundMode = 'chat' | 'embedding' | 'rerank'

export interface PlaygroundPage {
  choices: PlaygroundChoice[]
  selected: PlaygroundChoice | undefined
  compared: PlaygroundChoice | undefined
  values: Record<string, string>
  errors: Record<string, string>
  /** a conversation, the newest exchange last */
  turns: DisplayedTurn[]
  result?: JsonResponse | undefined
  rejection?: RejectedCall | undefined
  /** the conversation as code */
  code?: CodeView
}

export interface DisplayedTurn {
  prompt: string
  answers: DisplayedAnswer[]
}

/** An answer in views/playground/turns.eta, which leaves out empty members. */
export interface DisplayedAnswer {
  text: string
  reasoning?: string
  /** sentences about the answer: why it ended, what was changed in the request */
  remarks?: string[]
  /** why there is no answer; such an exchange is not repeated to the model */
  failure?: string
  /** duration and token counts */
  meta?: string
}

const blankAnswer: Required<DisplayedAnswer> = { text: '', reasoning: '', remarks: [], failure: '', meta: '' }

export function playgroundView(page: PlaygroundPage) {
  const { choices, selected, compared, values, errors, turns, result, rejection, code } = page
  const mode = modeOf(selected)
  const names = [selected, compared].filter((choice) => choice !== undefined).map(({ model }) => model.name)
  return {
    title: pageTitle,
    none: choices.length === 0,
    isChat: mode === 'chat',
    isEmbedding: mode === 'embedding',
    isRerank: mode === 'rerank',
    groups: groupByType(choices, selected),
    others: choices
      .filter((choice) => modeOf(choice) === 'chat' && choice.model.system_name !== selected?.model.system_name)
      .map((choice) => ({ ...toOption(choice), selected: choice.application.id === compared?.application.id })),
    canCompare: mode === 'chat',
    application: String(selected?.application.id ?? ''),
    compare: String(compared?.application.id ?? ''),
    modelNames: names.join(' and '),
    isComparing: names.length === 2,
    modelName: selected?.model.name ?? '',
    applicationName: selected?.application.name ?? '',
    applicationHref: selected ? `/applications/${selected.application.id}` : '',
    system: values.system ?? '',
    prompt: values.prompt ?? '',
    temperature: values.temperature ?? '',
    topP: values.top_p ?? '',
    maxTokens: values.max_tokens ?? '',
    input: values.input ?? defaultTexts.input,
    query: values.query ?? defaultTexts.query,
    documents: values.documents ?? defaultTexts.documents,
    errors: {
      prompt: errors.prompt ?? '',
      system: errors.system ?? '',
      temperature: errors.temperature ?? '',
      topP: errors.top_p ?? '',
      maxTokens: errors.max_tokens ?? '',
      input: errors.input ?? '',
      query: errors.query ?? '',
      documents: errors.documents ?? '',
    },
    hasTurns: turns.length > 0,
    turns: [
      ...turns.map(({ prompt, answers }, index) => ({
        prompt,
        isTemplate: false,
        isLatest: index === turns.length - 1 && !code && !rejection,
        answers: answers.map((answer, side) => ({ ...blankAnswer, ...answer, name: names[side] ?? '' })),
      })),
      // The template that the script of the page fills in.
      { prompt: '', isTemplate: true, answers: names.map((name) => ({ ...blankAnswer, name })) },
    ],
    turnsJson: JSON.stringify(turns.filter(isAnswered).map(toChatTurn)),
    client: code?.client ?? values.client ?? '',
    code,
    failure: rejection ? failureMessage(rejection) : '',
    vectors: result && mode === 'embedding' ? similarityView(result, parseLines(values.input)) : undefined,
    ranking: result && mode === 'rerank' ? rankingView(result, parseLines(values.documents)) : undefined,
  }
}

export function modeOf(choice: PlaygroundChoice | undefined): PlaygroundMode {
  const type = choice?.model.type
  return type === 'embedding' || type === 'rerank' ? type : 'chat'
}

/** A complete answer, for pages without scripts. */
export function answerView(answer: ModelAnswer, ms: number): DisplayedAnswer {
  const { text, reasoning, notice, isTruncated, promptTokens, completionTokens, reasoningTokens } = answer
  const meta = [
    answerMessages.duration(ms),
    tokenCounts({ prompt: promptTokens, completion: completionTokens, reasoning: reasoningTokens }),
    isTruncated ? answerMessages.truncated(MAX_ANSWER_CHARACTERS) : '',
  ]
  return { text, reasoning, remarks: notice === '' ? [] : [notice], meta: meta.filter(Boolean).join(' · ') }
}

export function failureView(rejection: RejectedCall): DisplayedAnswer {
  return { text: '', failure: failureMessage(rejection) }
}

/** An answer of a previous exchange, of which the browser sends the text only. */
export function previousAnswer(text: string): DisplayedAnswer {
  return text === '' ? { text, failure: answerMessages.noAnswer } : { text }
}

/** The message with the status, unless the status is a success. */
export function failureMessage({ status, message }: RejectedCall): string {
  return status >= 200 && status < 300 ? message : answerMessages.withStatus(message, status)
}

function toChatTurn({ prompt, answers }: DisplayedTurn): ChatTurn {
  return { prompt, answers: answers.map(({ text, failure }) => (failure ? '' : text)) }
}

/** Exchanges without an answer are not repeated to the model; their message returns to the field. */
export function isAnswered({ answers }: DisplayedTurn): boolean {
  return answers.some(({ text, failure }) => text !== '' && !failure)
}

function groupByType(choices: PlaygroundChoice[], selected: PlaygroundChoice | undefined) {
  const types = [...new Set(choices.map(({ model }) => model.type))]
  return types.map((type) => ({
    label: typeGroupLabels[type] ?? type,
    options: choices
      .filter(({ model }) => model.type === type)
      .map((choice) => ({ ...toOption(choice), selected: choice.application.id === selected?.application.id })),
  }))
}

function toOption({ application, model }: PlaygroundChoice) {
  return { value: String(application.id), label: `${model.name}: ${application.name}` }
}
