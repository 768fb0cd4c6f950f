import { backToWriting } from '../helpers/conversation.js';
import { keep, own, recall } from '../helpers/storage.js';

const NEAR_LIMIT = 0.9;
const canSize = CSS.supports('field-sizing', 'content');

/** The field one writes in: keeps what was typed, come what may, and gives it away when it is sent. */
export class Composer {
  /**
   * @param {HTMLFormElement} form
   * @param {{send: (text: string) => void, typed: () => void, editLast: () => boolean}} does
   */
  constructor(form, conversation, does) {
    this.form = form;
    this.field = form.elements.content;
    this.count = form.querySelector('.composer-count');
    this.error = form.querySelector('[data-composer-error]');
    this.limit = Number(this.field.dataset.limit);
    this.draft = own(`draft:${conversation}`);
    this.does = does;
    this.field.value ||= recall(this.draft) ?? '';
    keep(this.draft, this.field.value || null); // typed before this script came, or given back by the server
    this.#wire();
    if (this.error.hidden) this.#measure();
    if (document.activeElement === document.body) backToWriting();
  }

  #wire() {
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.#submit(); });
    this.field.addEventListener('keydown', (event) => this.#key(event));
    this.field.addEventListener('input', () => {
      keep(this.draft, this.field.value || null);
      this.#measure();
      if (this.field.value.trim()) this.does.typed();
    });
    window.addEventListener('storage', ({ key, newValue, oldValue }) => {
      if (key !== this.draft || newValue || JSON.parse(oldValue) !== this.field.value) return;
      this.field.value = ''; // sent from another tab
      this.#measure();
    });
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229 || this.field.readOnly) return; // Enter chooses a word (229: Safari)
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === 'ArrowUp' && !this.field.value && this.does.editLast()) {
      event.preventDefault();
    }
  }

  #submit() {
    const { value } = this.field;
    const text = value.trim();
    this.field.focus();
    if (!text || this.#over() > 0) return;
    this.field.value = '';
    if (recall(this.draft) === value) keep(this.draft, null); // else it is another tab's, which goes on writing
    this.#measure();
    this.does.send(text);
  }

  close(sentence) {
    this.#enable(false);
    this.#say(sentence);
  }

  open() {
    this.#enable(true);
    this.#measure();
  }

  #enable(enabled) {
    this.field.readOnly = !enabled; // what is in it can still be copied
    this.form.querySelector('.send').disabled = !enabled;
  }

  #over = () => [...this.field.value.trim().normalize()].length - this.limit; // as the server counts

  #measure() {
    const near = this.field.value.length > this.limit * NEAR_LIMIT;
    const over = near ? this.#over() : -1;
    this.count.hidden = !near;
    this.count.textContent = near ? `${this.limit + over} / ${this.limit}` : '';
    this.count.classList.toggle('over', over > 0);
    this.field.setAttribute('aria-invalid', over > 0);
    this.#say(over > 0 ? `${over} character${over > 1 ? 's' : ''} too many: shorten it, or send it in two.` : '');
    if (!canSize) this.#grow();
  }

  #say(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = !sentence;
  }

  #grow() {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(this.field.scrollHeight, innerHeight / 3)}px`;
  }
}
