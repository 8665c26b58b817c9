import { copy } from './copy.js'
import { completeAnswer, showMarkdown, streamAnswer } from './playground-answer.js'
import { conversationHistory } from './playground-history.js'

/** Streams the answers of the playground into the conversation. The key stays on the server. */
export function playground(form) {
  const log = form.querySelector('[data-turns]')
  const status = form.querySelector('[data-status]')
  const send = form.querySelector('[data-send]')
  const stop = form.querySelector('[data-stop]')
  const regenerate = form.querySelector('[data-regenerate]')
  const turnTemplate = form.querySelector('[data-turn-template]')
  const { prompt, turns } = form.elements
  const history = conversationHistory(form)
  let running
  /** the message of the last turn, if it has an answer */
  let latest
  let isFollowing = true

  stop.addEventListener('click', () => running?.abort())
  form.addEventListener('submit', (event) => {
    if (event.submitter?.hasAttribute('data-as-code')) return
    event.preventDefault()
    if (!running) void sendMessage()
  })
  prompt.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    form.requestSubmit(send)
  })
  let lastTop = 0
  log.addEventListener('scroll', () => {
    // An answer can grow before the event of the portal's own scrolling arrives. Only the reader scrolls up.
    if (log.scrollHeight - log.scrollTop - log.clientHeight < 48) isFollowing = true
    else if (log.scrollTop < lastTop) isFollowing = false
    lastTop = log.scrollTop
  })
  log.addEventListener('click', ({ target }) => {
    const button = target.closest('button')
    const box = button?.closest('[data-answer]')
    if (!box) return
    if (button.hasAttribute('data-copy-answer')) void copy(button, () => box.querySelector('[data-text]').textContent)
    else showMarkdown(box, button.getAttribute('aria-pressed') === 'false')
  })
  regenerate.addEventListener('click', () => {
    if (!running) void repeatLatest()
  })
  form.querySelector('[data-restart]').addEventListener('click', () => history.clear())
  if (turns.value === '[]') restore(history.read())
  for (const box of log.querySelectorAll('[data-answer]')) void completeAnswer(box)
  // Until this point the browser posts the form itself.
  form.dataset.playground = 'ready'

  async function sendMessage() {
    const sent = new URLSearchParams(new FormData(form))
    const message = prompt.value
    prompt.value = ''
    await exchange(sent, message)
    prompt.focus()
  }

  /** Sends the latest message again, without its previous answer. */
  async function repeatLatest() {
    const list = readTurns()
    write(list.slice(0, -1))
    const sent = new URLSearchParams(new FormData(form))
    sent.set('prompt', latest)
    log.querySelector('.turn:last-of-type').remove()
    await exchange(sent, latest)
  }

  async function exchange(sent, message) {
    running = new AbortController()
    setBusy(true)
    const boxes = addTurn(message)
    scrollToEnd()
    const answers = await Promise.all(boxes.map((box, side) => answer(sent, side, box)))
    const hasAnswer = answers.some(Boolean)
    latest = hasAnswer ? message : undefined
    // A message without any answer is not repeated to the model. It returns to the field.
    if (hasAnswer) write([...readTurns(), { prompt: message, answers }])
    else prompt.value ||= message
    running = undefined
    setBusy(false)
  }

  function readTurns() {
    return JSON.parse(turns.value || '[]')
  }

  function write(list) {
    turns.value = JSON.stringify(list)
    history.write(list)
  }

  /** Shows the exchanges of an earlier visit of this page. */
  function restore(list) {
    for (const { prompt, answers } of list) {
      for (const [side, box] of addTurn(prompt).entries())
        box.querySelector('[data-text]').textContent = answers[side] ?? ''
    }
    if (list.length === 0) return
    turns.value = JSON.stringify(list)
    latest = list.at(-1).prompt
    regenerate.hidden = false
    scrollToEnd()
  }

  function answer(sent, side, box) {
    const body = new URLSearchParams(sent)
    body.set('side', String(side))
    return streamAnswer({ body, box, signal: running.signal, announce, onShown: () => isFollowing && scrollToEnd() })
  }

  function setBusy(busy) {
    stop.hidden = !busy
    send.hidden = busy
    regenerate.hidden = busy || latest === undefined
    log.setAttribute('aria-busy', String(busy))
    if (!busy) status.textContent = ''
  }

  /** Announces each state once, although it is reported every few seconds. */
  function announce(message) {
    if (status.textContent !== message) status.textContent = message
  }

  function scrollToEnd() {
    log.scrollTop = log.scrollHeight
  }

  function addTurn(message) {
    log.querySelector('[data-hint]')?.remove()
    const turn = turnTemplate.content.cloneNode(true)
    turn.querySelector('[data-prompt]').textContent = message
    const boxes = [...turn.querySelectorAll('[data-answer]')]
    log.append(turn)
    isFollowing = true
    return boxes
  }
}
