/** Remembers the selected client in this browser, so that the next page shows its code first. */
export function rememberClient() {
  const stored = read()
  const field = document.querySelector('[data-remembered-client]')
  if (field) field.value ||= stored ?? ''
  for (const button of document.querySelectorAll('[data-client-choice]'))
    button.addEventListener('click', () => write(button.value))
  const picker = document.querySelector('[data-code-picker]')
  if (!picker) return
  const radio = stored && picker.querySelector(`input[name=client][value="${CSS.escape(stored)}"]`)
  if (radio) radio.checked = true
  picker.addEventListener('change', (event) => write(event.target.value))
}

function read() {
  try {
    return localStorage.getItem('client')
  } catch {
    return null
  }
}

function write(client) {
  try {
    localStorage.setItem('client', client)
  } catch {
    // Private windows may refuse storage. The choice then applies to this page only.
  }
}
