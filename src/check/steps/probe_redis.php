<?php
answer(isset($question['nodes']) ? cluster($question) : single($question));
