/** Light or dark, remembered in this browser. */
export function themeSwitch() {
  const button = document.querySelector('[data-theme-switch]')
  if (!button) return
  button.hidden = false
  button.addEventListener('click', () => {
    const dark = document.documentElement.classList.toggle('pf-v6-theme-dark')
    try {
      localStorage.setItem('theme', dark ? 'dark' : 'light')
    } catch {
      // private windows may refuse; the choice then lasts for this page
    }
  })
}
