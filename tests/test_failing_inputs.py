"""Every small input that once failed, by kind, with what comes of it now and the test that holds it."""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent

LOADS, REFUSED, SAID, HONOURED = "loads", "refused in a sentence", "said", "honoured or refused"

# kind -> (input, outcome, file of the test, its name)
INPUTS = {
    "a switch of the configuration": (
        ("scale_attn_weights=False", REFUSED, "proof",
         "a_switch_that_the_bridge_ignores_is_refused_by_its_name"),
        ("add_cross_attention=True", REFUSED, "proof", "cross_attention_is_refused_before_anything_is_read"),
        ("silu, quick_gelu and others", LOADS, "proof",
         "random_models_in_any_form_are_loaded_and_equal_the_reference_or_are_refused"),
    ),
    "a tensor is missing, too many, or does not fit": (
        ("untied, no lm_head.weight", REFUSED, "proof", "an_output_matrix_of_its_own_must_be_in_the_file"),
        ("n_layer: 4 over 8 blocks", REFUSED, "models", "layers_that_the_configuration_drops_are_refused"),
        ("tied, with another lm_head.weight", REFUSED, "models",
         "another_output_matrix_beside_a_tied_embedding_is_refused"),
        ("tokens added, embeddings not resized", REFUSED, "models",
         "a_tokenizer_larger_than_the_embedding_is_refused"),
        ("padded vocabulary", LOADS, "weight_files", "a_padded_vocabulary_is_no_damage"),
    ),
    "damage inside a file": (
        ("second half zeros", REFUSED, "proof", "a_download_whose_end_is_blank_is_refused"),
        ("first half, or a quarter in the middle, zeros", REFUSED, "models",
         "a_block_of_zeros_anywhere_is_refused"),
        ("one NaN weight, inf", REFUSED, "proof", "a_weight_that_is_no_number_is_refused_with_its_tensor"),
        ("cut short", REFUSED, "models", "weights_that_are_cut_short_are_refused"),
    ),
    "hooks in force": (
        ("a sweep inside intervene, or under add_hook", HONOURED, "untouched",
         "a_sweep_is_refused_under_hooks_and_is_the_same_again_afterwards"),
        ("a backward hook left over", REFUSED, "gradients", "a_hook_left_on_the_way_back_is_refused"),
        ("a result inside intervene", SAID, "hooks", "what_is_measured_under_edits_says_so"),
        ("weights changed in place", REFUSED, "models",
         "weights_changed_after_loading_are_refused_wherever_a_hash_is_promised"),
    ),
    "a name does not identify a model": (
        ("two folders checkpoint-500", "two folders", "command_line",
         "two_folders_of_one_name_fill_two_folders"),
        ("模型, модель", "two folders", "figures", "two_names_never_give_one_folder"),
        ("an own folder called pocket", LOADS, "proof",
         "a_folder_of_ones_own_called_pocket_is_not_the_shipped_one"),
        ("one weights file, two configurations", "two models", "models",
         "one_weights_file_with_two_configurations_is_two_models"),
    ),
    "the asked token": (
        (".  ,  ing  's  \\n", SAID, "prompts",
         "gpt2_is_asked_the_token_that_is_typed_and_the_other_is_offered"),
        ('"Mary" in quotes in a headline', SAID, "widgets", "a_headline_names_the_tokens_that_were_asked"),
        ("a sentence that begins with <|endoftext|>", SAID, "own_sentences",
         "what_is_read_otherwise_than_typed_is_said"),
        ("the mark before a text in the Neuron Browser", SAID, "neuron_browser",
         "how_the_text_was_read_is_said_beside_it"),
    ),
    "forms of files": (
        ("shards", LOADS, "weight_files", "shards_give_the_model_that_one_file_gives"),
        ("a hub id with .bin only", REFUSED, "hub",
         "weights_in_another_form_are_refused_before_they_are_fetched"),
        ("n_ctx only", LOADS, "weight_files", "an_old_configuration_that_says_only_n_ctx_is_read"),
        ("vocab.txt", REFUSED, "weight_files", "the_tokenizer_of_another_kind_of_model_is_said"),
        ("fp16, bf16, fp64", LOADS, "weight_files", "weights_of_another_number_type_are_run_in_float32"),
    ),
    "the hub and its cache": (
        ("a private model and HF_TOKEN", LOADS, "hub",
         "the_token_opens_a_private_model_and_goes_to_no_other_host"),
        ("gpt2@main", LOADS, "hub", "a_revision_is_a_model_of_its_own"),
        ("a mirror that answers 503", SAID, "hub", "without_a_source_the_host_that_was_asked_is_named"),
        ("401, 403, 416, 429, 503", REFUSED, "models",
         "every_answer_of_the_hub_has_its_sentence_before_and_during_the_download"),
        ("disk full, stall", REFUSED, "models", "what_ended_a_download_is_said"),
        ("no commit named, HTML instead of files", REFUSED, "hub",
         "a_hub_that_breaks_is_told_in_one_sentence"),
        ("a connection that breaks", LOADS, "hub", "a_download_goes_on_where_the_connection_broke"),
        ("two snapshots, main names the older folder", LOADS, "models",
         "the_snapshot_that_main_names_is_taken_and_no_other"),
        ("main names half a snapshot", "finished, or refused", "hub",
         "a_half_finished_download_in_the_cache_is_finished_or_said"),
        ("HF_HUB_CACHE='$HOME/hub'", LOADS, "models", "the_cache_may_be_named_by_a_variable"),
    ),
    "text": (
        ("a lone surrogate", REFUSED, "models",
         "half_a_character_is_refused_in_one_sentence_wherever_text_is_read"),
        ("emoji, Chinese, Arabic, combining, CRLF, BOM, a null", "read, shown as bytes", "models",
         "odd_text_is_read_run_and_shown_byte_by_byte"),
        ("André, José, Anne-Marie, Анна, ليلى twice", "marked at its last token", "own_sentences",
         "a_name_ends_where_the_last_byte_of_its_last_letter_is_read"),
        ("names from right to left in a sentence", "keep their place", "widgets",
         "what_runs_from_right_to_left_keeps_its_place_in_an_english_sentence"),
        ("a corpus with CRLF or a mark", "one corpus", "scan", "line_ends_and_encodings_give_one_corpus"),
        ("an empty file, .TXT, .md", SAID, "scan", "a_folder_gives_its_texts_and_says_what_it_leaves_out"),
        ("=cmd|, +1+1, @SUM(1) in a table", "text", "result",
         "no_cell_of_a_table_begins_as_a_formula_and_numbers_stay_numbers"),
    ),
    "faults": (
        ("a .partial file after a kill", "swept", "faults",
         "a_write_killed_at_any_moment_leaves_a_whole_file_and_the_next_sweeps_up"),
        ("disk full at any write", SAID, "faults",
         "a_disk_that_is_full_at_any_write_leaves_old_or_new_files_and_says_so"),
        ("two runs in one folder", "nothing lost", "faults",
         "two_runs_that_write_one_folder_lose_no_claim"),
        ("no home", LOADS, "faults", "a_user_without_a_home_is_served"),
        ("a kernel that is interrupted", SAID, "widgets",
         "an_interrupted_kernel_is_told_on_screen_and_the_lab_lives_on"),
    ),
    "the screen": (
        ("Restart Kernel, click a head", SAID, "browser_kernel",
         "after_a_restart_every_view_says_so_and_keeps_its_state"),
        ("two views of one widget", "both follow", "browser_kernel",
         "two_views_of_one_widget_follow_each_other"),
        ("a page without Python", "its picture", "notebooks",
         "an_executed_page_shows_the_lab_as_a_still_picture"),
        ("a flip and its control", "both shown", "flips", "the_picture_shows_both_runs_at_the_same_words"),
        ("a Python value as prose", "sentences", "notebooks",
         "no_cell_of_an_executed_notebook_shows_a_python_value_as_prose"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", INPUTS)
def test_every_input_that_once_failed_has_a_test(kind):
    for given, _, file, name in INPUTS[kind]:
        tree = ast.walk(ast.parse((HERE / f"test_{file}.py").read_text(encoding="utf-8")))
        names = {node.name.removeprefix("test_") for node in tree if isinstance(node, ast.FunctionDef)}
        assert name in names, f"{given}: no test_{name} in test_{file}.py"
