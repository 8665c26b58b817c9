/** Switches between light and dark, and remembers the choice in this browser. */
export function themeSwitch() {
  const button = document.querySelector('[data-theme-switch]')
  if (!button) return
  button.hidden = false
  button.addEventListener('click', () => {
    const dark = document.documentElement.classList.toggle('pf-v6-theme-dark')
    try {
      localStorage.setItem('theme', dark ? 'dark' : 'light')
    } catch {
      // Private windows may refuse storage. The choice then applies to this page only.
    }
  })
}
