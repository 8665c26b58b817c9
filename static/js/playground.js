import { copy } from './copy.js'
import { streamAnswer } from './playground-answer.js'

/** Streams the answers of the playground into the conversation. The key stays on the server. */
export function playground(form) {
  const log = form.querySelector('[data-turns]')
  const status = form.querySelector('[data-status]')
  const send = form.querySelector('[data-send]')
  const stop = form.querySelector('[data-stop]')
  const turnTemplate = form.querySelector('[data-turn-template]')
  const { prompt, turns } = form.elements
  let running
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
    const button = target.closest('[data-copy-answer]')
    if (button) void copy(button, () => button.closest('[data-answer]').querySelector('[data-text]').textContent)
  })
  for (const button of log.querySelectorAll('[data-copy-answer]'))
    button.hidden = button.closest('[data-answer]').querySelector('[data-text]').textContent === ''
  // Until this point the browser posts the form itself.
  form.dataset.playground = 'ready'

  async function sendMessage() {
    const sent = new URLSearchParams(new FormData(form))
    const message = prompt.value
    running = new AbortController()
    setBusy(true)
    const boxes = addTurn(message)
    prompt.value = ''
    const answers = await Promise.all(boxes.map((box, side) => answer(sent, side, box)))
    // A message without any answer is not repeated to the model. It returns to the field.
    if (answers.some(Boolean))
      turns.value = JSON.stringify([...JSON.parse(turns.value || '[]'), { prompt: message, answers }])
    else prompt.value ||= message
    running = undefined
    setBusy(false)
    prompt.focus()
  }

  function answer(sent, side, box) {
    const body = new URLSearchParams(sent)
    body.set('side', String(side))
    return streamAnswer({ body, box, signal: running.signal, announce, onShown: () => isFollowing && scrollToEnd() })
  }

  function setBusy(busy) {
    stop.hidden = !busy
    send.hidden = busy
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
    scrollToEnd()
    return boxes
  }
}
