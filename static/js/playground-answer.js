import { eventsOf, figuresOf } from './playground-events.js'

const INTERRUPTED = 'The connection to the portal was interrupted. Send the message again.'
const UNREACHABLE = 'The portal cannot be reached. Check your connection, then send the message again.'

/**
 * Streams one answer into its box. Returns the text that the next message repeats: as shown, without reasoning, empty where
 * the answer failed. `announce` says a state to screen readers, `grows` is called after each change, `signal` stops it.
 */
export async function streamAnswer({ body, box, signal, announce, grows }) {
  const view = answerView(box)
  let [usage, finish, first, pieces, started] = [undefined, '', undefined, 0, false]
  const began = performance.now()
  const figures = (ended) =>
    figuresOf({ began, first, now: performance.now(), pieces, usage, showsReasoning: view.reasoned(), ended })

  const handlers = {
    message({ text = '', reasoning = '' }) {
      if (text === '' && reasoning === '') return
      if (first === undefined && text === '') announce('The model is reasoning.')
      first ??= performance.now()
      view.add(text, reasoning)
      if (pieces++ % 8 === 0) view.meta(figures())
    },
    reasoned() {
      view.recast()
    },
    usage(counts) {
      usage = counts
    },
    finish({ words }) {
      finish = words
    },
    notice({ words }) {
      view.note(words)
    },
    progress({ seconds, words }) {
      if (first !== undefined) return
      view.meta(`${words} (${seconds} s)`)
      announce(words)
    },
  }

  try {
    const response = await fetch('/playground/stream', { method: 'POST', body, signal, redirect: 'manual' })
    started = true
    if (response.type === 'opaqueredirect')
      return fail('Your session has ended. ', signInLink(), ', then send the message again.')
    if (!typeOf(response).startsWith('text/event-stream')) return fail(await refusalOf(response))
    for await (const { event, data } of eventsOf(response.body)) {
      if (event === 'failure') return fail(data.words)
      handlers[event]?.(data)
      grows()
    }
    if (finish || !view.said()) view.note(finish || 'The model returned no text.')
    view.end(figures())
  } catch (error) {
    if (error.name !== 'AbortError') return fail(started ? INTERRUPTED : UNREACHABLE)
    view.end(first === undefined ? 'Stopped before the first token' : figures('stopped'))
  } finally {
    grows()
  }
  return view.said()

  function fail(...words) {
    view.fail(words)
    return ''
  }
}

/** The parts of an answer, as views/playground/turns.eta has them. */
function answerView(box) {
  const part = (name) => box.querySelector(`[data-${name}]`)
  const [text, reasoning, thought, line] = ['text', 'reasoning', 'reasoning-text', 'meta'].map(part)
  const title = reasoning.querySelector('summary')
  line.textContent = 'Waiting for the first token'
  return {
    said: () => text.textContent,
    reasoned: () => thought.textContent !== '',
    add(piece, thinking) {
      reasoning.hidden &&= thinking === ''
      title.textContent = text.textContent === '' && piece === '' ? 'Thinking…' : 'Reasoning'
      thought.append(thinking)
      text.append(piece)
    },
    /** What was shown as the answer so far is reasoning. */
    recast() {
      reasoning.hidden = false
      title.textContent = 'Thinking…'
      thought.append(text.textContent)
      text.replaceChildren()
    },
    meta(words) {
      line.textContent = words
    },
    note(words) {
      part('notes').append(Object.assign(document.createElement('p'), { textContent: words }))
    },
    end(words) {
      title.textContent = 'Reasoning'
      line.textContent = words
      part('copy-answer').hidden = text.textContent === ''
    },
    fail(words) {
      box.classList.add('said-failed')
      part('failure').append(...words)
      part('failure').hidden = false
      this.end(text.textContent === '' ? '' : 'Not included in your next message')
    },
  }
}

/** What an answer that is no stream says, in words. */
async function refusalOf(response) {
  if (typeOf(response).startsWith('application/json')) {
    const { words, error } = await response.json()
    if (words ?? error?.message) return words ?? error.message
  }
  if (response.status === 413) return 'This conversation is too long to send. Start a new conversation.'
  return `The portal answered with an error (${response.status}). Try again in a minute.`
}

function typeOf(response) {
  return response.headers.get('content-type') ?? ''
}

/** In a tab of its own, so that the conversation stays on this page. */
function signInLink() {
  const link = document.createElement('a')
  link.href = `/login?return_to=${encodeURIComponent(location.pathname + location.search)}`
  link.target = '_blank'
  link.textContent = 'Sign in in a new tab'
  return link
}
