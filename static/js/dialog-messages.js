/** Text of dialogs, which only scripts show. Their content is that of a page. */
export const messages = {
  close: 'Close',
}
