/** The client whose code somebody looks at is kept in this browser and shown first on the next page. */
export function rememberClient() {
  const kept = read()
  const field = document.querySelector('[data-client-kept]')
  if (field) field.value ||= kept ?? ''
  for (const button of document.querySelectorAll('[data-client-choice]'))
    button.addEventListener('click', () => write(button.value))
  const picker = document.querySelector('[data-code-picker]')
  if (!picker) return
  const radio = kept && picker.querySelector(`input[name=client][value="${CSS.escape(kept)}"]`)
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
    // private windows may refuse; the choice then lasts for this page
  }
}
