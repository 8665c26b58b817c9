/** Opens what is meant to be open where there is room beside the text. */
export function openWhenWide() {
  const wide = matchMedia('(min-width: 64rem)')
  for (const details of document.querySelectorAll('[data-open-when-wide]')) {
    details.open = wide.matches
    wide.addEventListener('change', () => {
      details.open = wide.matches
    })
  }
}
