/** A response that takes longer shows on the button that was clicked. */
const SHOW_AFTER_MS = 100
/** A download leaves the page as it is, and a stopped request ends without an event. */
const RESTORE_AFTER_MS = 20_000

/** Shows that a form has been sent, and sends it once however often its button is clicked. */
export function busyForms() {
  /** For each form that has been sent, a function that permits it to be sent again. */
  const pending = new Map()

  // After the scripts of the page, which send some forms themselves.
  window.addEventListener('submit', (event) => {
    const { target: form, submitter } = event
    // A field of the same name would replace the property of the form.
    if (event.defaultPrevented || form.getAttribute('method') !== 'post') return
    if (pending.has(form)) return event.preventDefault()
    const timers = [
      setTimeout(() => submitter?.setAttribute('aria-busy', 'true'), SHOW_AFTER_MS),
      setTimeout(() => pending.get(form)?.(), RESTORE_AFTER_MS),
    ]
    pending.set(form, () => {
      for (const timer of timers) clearTimeout(timer)
      submitter?.removeAttribute('aria-busy')
      pending.delete(form)
    })
  })
  // "Back" can show the page as it was left.
  window.addEventListener('pageshow', () => {
    for (const restore of pending.values()) restore()
  })
}
